/** What every page has; a page's own module imports it first. */

import { send } from "./api.js";
import { byId } from "./dom.js";
import "./keys.js";
import "./recording_sign.js";
import { complain } from "./toast.js";
import "./upload.js";

byId("sign-out")?.addEventListener("click", () => send("DELETE", "/api/v1/session").then(() => location.assign("/"), complain));
