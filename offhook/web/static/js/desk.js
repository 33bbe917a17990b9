/** What every page has; a page's own module imports it first. */

import "./keys.js";
import "./recording_sign.js";
import "./sign_out.js";
import "./upload.js";
