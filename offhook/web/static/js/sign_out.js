/** The button that ends the session of a browser on another machine. */

import { send } from "./api.js";
import { complain } from "./toast.js";

document.getElementById("sign-out")?.addEventListener("click", async () => {
  try {
    await send("DELETE", "/api/v1/session");
    location.assign("/");
  } catch (error) {
    complain(error);
  }
});
