// The portal works without script; this adds speed for hands on a keyboard or a barcode reader.
import { setUpShortcuts } from "./shortcuts.js";
import { setUpForms } from "./forms.js";
import { setUpPersonalNumberGuard } from "./guard.js";
import { setUpLookup } from "./lookup.js";
import { setUpPrivacy, setUpTimedHiding } from "./privacy.js";
import { setUpProgress } from "./progress.js";
import { setUpIdleWarning } from "./idle.js";

for (const element of document.querySelectorAll(".js-only")) element.hidden = false;
setUpPersonalNumberGuard();
setUpForms();
setUpShortcuts();
setUpLookup();
setUpPrivacy();
setUpTimedHiding();
setUpIdleWarning();
setUpProgress();
