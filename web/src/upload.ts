// Sends an upload with its progress shown; without scripts the form is sent as any other.

export function sendUploads(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-upload]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
  }
}

function send(form: HTMLFormElement): void {
  const box = form.querySelector<HTMLElement>(".upload-state");
  const text = box?.querySelector("p");
  const bar = box?.querySelector("progress");
  const button = form.querySelector<HTMLButtonElement>("button.button-main");
  const cancel = box?.querySelector("button");
  if (!box || !text || !bar || !button || button.disabled) return;
  const say = (name: string) => (text.textContent = form.dataset[name] ?? "");
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-Requested-With", "upload");
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    say("checking");
  });
  request.addEventListener("load", () => show(request));
  request.addEventListener("error", () => {
    say("failed");
    bar.hidden = true;
    button.disabled = false;
  });
  request.addEventListener("abort", () => {
    say("cancelled");
    bar.hidden = true;
    button.disabled = false;
  });
  cancel?.addEventListener("click", () => request.abort(), { once: true });
  for (const name of ["abort", "error", "load"]) {
    request.addEventListener(name, () => cancel && (cancel.hidden = true));
  }
  box.hidden = bar.hidden = false;
  if (cancel) cancel.hidden = false;
  bar.value = 0;
  button.disabled = true;
  say("sending");
  request.send(new FormData(form));
}

// The answer names the clip's page, or is the form again with what was refused.
function show(request: XMLHttpRequest): void {
  const next = request.getResponseHeader("Location");
  if (request.status === 204 && next) {
    location.assign(next);
    return;
  }
  const answer = new DOMParser().parseFromString(request.responseText, "text/html");
  const main = answer.querySelector("main");
  const here = document.querySelector("main");
  if (!main || !here) return;
  here.replaceWith(main);
  sendUploads();
  const problem = main.querySelector<HTMLElement>(".notice-bad");
  problem?.setAttribute("tabindex", "-1");
  problem?.focus();
}
