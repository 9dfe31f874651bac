// Sends an upload, or a cut, with its progress shown; without scripts the form is sent as any other.

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
  const button = form.querySelector<HTMLButtonElement>("button.button-main, button[data-send]");
  const cancel = box?.querySelector("button");
  if (!box || !text || !bar || !button || button.disabled) return;
  const say = (name: string) => (text.textContent = form.dataset[name] ?? "");
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-Requested-With", "upload");
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
  });
  let sent = false;
  request.upload.addEventListener("load", () => {
    sent = true;
    bar.removeAttribute("value");
    say("checking");
    follow(form, request, bar);
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
  // Once the server works on it, hanging up would not stop it: it is asked to.
  const stop = () => (sent ? void ask(form, "/stop", "POST") : request.abort());
  cancel?.addEventListener("click", stop);
  for (const name of ["abort", "error", "load"]) {
    request.addEventListener(name, () => {
      cancel?.removeEventListener("click", stop);
      if (cancel) cancel.hidden = true;
    });
  }
  box.hidden = bar.hidden = false;
  if (cancel) cancel.hidden = false;
  bar.value = 0;
  button.disabled = true;
  say("sending");
  request.send(new FormData(form));
}

const FOLLOW_MS = 700;

// The share of the work done, until its own answer comes.
function follow(form: HTMLFormElement, request: XMLHttpRequest, bar: HTMLProgressElement): void {
  const timer = window.setInterval(async () => {
    const answer = await ask(form, "", "GET");
    const share = answer?.ok ? (await answer.json()).share : null;
    if (typeof share === "number" && share > 0) bar.value = 100 * share;
  }, FOLLOW_MS);
  request.addEventListener("loadend", () => window.clearInterval(timer));
}

function ask(form: HTMLFormElement, what: string, method: string): Promise<Response | undefined> {
  const key = form.querySelector<HTMLInputElement>("input[name=once]")?.value ?? "";
  const token = form.querySelector<HTMLInputElement>("input[name=csrf_token]")?.value ?? "";
  const address = `/clips/working/${encodeURIComponent(key)}${what}`;
  return fetch(address, { method, headers: { "X-CSRFToken": token } }).catch(() => undefined);
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
