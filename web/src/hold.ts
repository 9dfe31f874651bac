// A button that must be held for two seconds: button[data-hold]. By keyboard, and where a pointer
// cannot be held, it is pressed twice: the first press says so.

const HOLD_MS = 2000;

const armed = new WeakSet<HTMLButtonElement>();

export function holdToSend(): void {
  armAll();
  // A live update may bring the button only now.
  document.addEventListener("htmx:after:swap", armAll);
}

function armAll(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-hold]")) {
    if (!armed.has(button)) arm(button);
    armed.add(button);
    button.classList.add("holding");
  }
}

function arm(button: HTMLButtonElement): void {
  const word = button.textContent ?? "";
  let timer = 0;
  let done = false;
  let asked = false;
  const release = () => {
    window.clearTimeout(timer);
    button.classList.remove("is-held");
  };
  button.addEventListener("pointerdown", () => {
    if (!button.form?.reportValidity()) return;
    button.classList.add("is-held");
    timer = window.setTimeout(() => {
      done = true;
      button.form?.requestSubmit(button);
    }, HOLD_MS);
  });
  for (const name of ["pointerup", "pointerleave", "pointercancel"]) {
    button.addEventListener(name, release);
  }
  button.addEventListener("click", (event) => {
    // detail 0: a keyboard or an assistive device pressed it.
    if (done || (event.detail === 0 && asked)) return;
    event.preventDefault();
    if (event.detail === 0) {
      asked = true;
      button.textContent = button.dataset["again"] ?? word;
    }
  });
  // The hold ends in a submit of its own; holding must not open a menu on phones.
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}
