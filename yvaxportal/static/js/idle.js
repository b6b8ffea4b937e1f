// Warns one minute before the session ends for want of use, and clears the page when it has ended.
const WARNING_SECONDS = 60;
const SHARED = "yvax.last-contact"; // the latest contact with the server of any tab

export function setUpIdleWarning() {
  const limit = Number(document.body.dataset.idleSeconds || 0);
  const dialog = document.getElementById("idle-warning");
  if (!(limit > WARNING_SECONDS) || !dialog) return;
  const { keepAliveUrl, homeUrl } = document.body.dataset;
  const leftShown = dialog.querySelector("[data-idle-left]");
  let worked = 0;
  let dismissed = false;

  const contact = () => localStorage.setItem(SHARED, String(Date.now()));
  const secondsLeft = () => limit - (Date.now() - Number(localStorage.getItem(SHARED))) / 1000;

  async function keepAlive() {
    worked = 0;
    if (!keepAliveUrl) return;
    const answer = await fetch(keepAliveUrl, { method: "POST", headers: { "X-CSRF-Token": csrfToken() }, redirect: "error" }).catch(() => null);
    if (answer?.ok) contact();
  }

  contact();
  document.addEventListener("input", () => { worked = Date.now(); });
  dialog.addEventListener("close", () => {
    dismissed = true;
    if (secondsLeft() > 0) keepAlive();
  });
  setInterval(() => {
    const left = secondsLeft();
    if (left <= 0) {
      // Nothing personal stays on an unattended screen; the server has ended the session by now.
      document.body.replaceChildren();
      location.replace(homeUrl);
    } else if (left <= WARNING_SECONDS) {
      leftShown.textContent = String(Math.ceil(left));
      if (!dialog.open && !dismissed && !document.querySelector("dialog[open]")) dialog.showModal();
    } else {
      if (dialog.open) dialog.close();
      dismissed = false;
      // Somebody who fills a long form is working, though no page has been fetched.
      if (worked && left < limit / 2) keepAlive();
    }
  }, 1000);
}

function csrfToken() {
  return document.querySelector("input[name=csrf_token]")?.value ?? "";
}
