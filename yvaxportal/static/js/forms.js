// Data entry: Enter goes to the next field, Ctrl+Enter sends, nothing is sent twice, dates fill at a click.
const FIELDS = "input:not([type=hidden], [type=submit], [type=button]), select, textarea, button[type=submit]";

function isReachable(element) {
  return !element.disabled && !element.readOnly && element.tabIndex >= 0 && element.getClientRects().length > 0;
}

function nextAfter(form, current) {
  const fields = [...form.elements].filter((element) => element.matches(FIELDS) && isReachable(element));
  const following = fields.slice(fields.indexOf(current) + 1);
  // A set of radio buttons is one stop: go past those that belong to the current one.
  return following.find((element) => !(current.type === "radio" && element.name === current.name));
}

function onKey(event) {
  if (event.key !== "Enter" || event.isComposing || event.defaultPrevented) return;
  const form = event.target.form;
  if (!form) return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[type=submit]:not([disabled])"));
    return;
  }
  if (!("enterNext" in form.dataset) || event.target.matches("textarea, button, a")) return;
  event.preventDefault();
  const next = nextAfter(form, event.target);
  next?.focus();
  if (next?.matches("input[type=text]")) next.select();
}

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  if ("allowResubmit" in form.dataset) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  // After this turn of the event loop, so that the pressed button's own value is still sent.
  setTimeout(() => {
    for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = true;
  });
}

function allowAgain() {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[type=submit]")) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  }
}

function onClick(event) {
  const button = event.target.closest("[data-fill-target]");
  if (!button) return;
  const field = document.getElementById(button.dataset.fillTarget);
  field.value = button.dataset.fillValue;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  const next = field.form && nextAfter(field.form, field);
  (next || field).focus();
}

export function setUpForms() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  // Coming back with the browser's own button brings the page as it was left.
  window.addEventListener("pageshow", (event) => event.persisted && allowAgain());
}
