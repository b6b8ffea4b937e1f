// A personal number typed or scanned into the wrong box is erased before it can be sent.
// The server refuses it too; this keeps it off the wire.
const PAUSE_MS = 400; // a barcode of 18 digits passes 12 on its way; wait for the reader to finish

export function looksLikePersonalNumber(text) {
  const folded = text.normalize("NFKC").replace(/[-\u2010-\u2015\u2212\u30fc\uff70\s]/gu, "");
  return /(?<!\d)\d{12}(?!\d)/.test(folded) && !/^\d{4}-\d{2}-\d{2}/.test(text);
}

function refuse(field) {
  if (!looksLikePersonalNumber(field.value)) return false;
  field.value = "";
  const message = document.getElementById(field.dataset.refusePersonalNumber);
  if (message) message.hidden = false;
  field.focus();
  return true;
}

export function setUpPersonalNumberGuard() {
  for (const field of document.querySelectorAll("[data-refuse-personal-number]")) {
    let waiting = 0;
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      if (field.value) {
        const message = document.getElementById(field.dataset.refusePersonalNumber);
        if (message) message.hidden = true;
      }
      waiting = setTimeout(() => refuse(field), PAUSE_MS);
    });
    field.addEventListener("blur", () => refuse(field));
    // Before every other listener: neither Enter nor the button may send it.
    field.form?.addEventListener(
      "submit",
      (event) => {
        if (refuse(field)) {
          event.preventDefault();
          event.stopImmediatePropagation();
        }
      },
      { capture: true },
    );
  }
}
