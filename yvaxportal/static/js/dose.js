// The form of a dose: the vaccine decides which items are asked and which number comes next.
// Without script every item is there and the number is typed.
const vaccine = document.getElementById("dose-vaccine");
const number = document.getElementById("dose-dose_number");

function show(selector, wanted) {
  for (const item of document.querySelectorAll(selector)) {
    const field = item.querySelector("input, select, textarea");
    // What holds a value or an error stays in sight, or it would be sent unseen.
    item.hidden = !wanted && !field?.value && !item.classList.contains("has-error");
  }
}

function follow() {
  const has = (list) => (vaccine.dataset[list] ?? "").split(" ").includes(vaccine.value);
  show(".covid-item", has("covid"));
  show(".pneumococcal-item", has("pneumococcal"));
}

if (vaccine && number) {
  const next = JSON.parse(vaccine.dataset.nextNumbers ?? "{}");
  let offered = next[vaccine.value] && String(next[vaccine.value]);
  follow();
  vaccine.addEventListener("change", () => {
    // A number that somebody typed is theirs; one that was offered follows the vaccine.
    if (vaccine.value in next && (number.value === "" || number.value === offered)) {
      offered = String(next[vaccine.value]);
      number.value = offered;
    }
    follow();
  });
}

// Labels are Japanese; what a keyboard types in a list is the beginning of a code ("var" for varicella).
if (vaccine) {
  let typed = "";
  let last = 0;
  vaccine.addEventListener("keydown", (event) => {
    if (!/^[a-z0-9_]$/i.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    typed = event.timeStamp - last > 1000 ? event.key : typed + event.key;
    last = event.timeStamp;
    const found = [...vaccine.options].find((option) => option.value.startsWith(typed.toLowerCase()));
    if (!found || found.selected) return;
    found.selected = true;
    vaccine.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
