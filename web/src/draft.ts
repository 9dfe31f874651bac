// Keeps what is entered in a form[data-keep] on this device until it is sent: a call, a dead
// battery or a lost network costs no work.

const PREFIX = "draft:";
const KEPT_MS = 7 * 24 * 3600 * 1000;
const SECRET = new Set(["csrf_token", "once"]);

interface Draft {
  at: number;
  fields: [string, string][];
}

export function fillDrafts(): void {
  // The server's word after sending: the draft has become a schedule or a clip.
  const made = /^\/(schedules|clips)\/[0-9a-f]+$/.exec(location.pathname)?.[1];
  if (made && document.querySelector(".notice-good")) {
    remove(PREFIX + (made === "clips" ? "speech" : "broadcast"));
  }
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-keep]")) {
    const key = PREFIX + form.dataset["keep"];
    const refused = document.querySelector(".notice-bad") !== null;
    const draft = refused || location.search ? null : read(key);
    fill(form, draft);
    const note = document.querySelector<HTMLElement>("[data-draft]");
    if (note && draft) note.hidden = false;
    note?.querySelector("button")?.addEventListener("click", () => {
      remove(key);
      location.reload();
    });
    form.addEventListener("change", () => write(key, form));
  }
}

function fill(form: HTMLFormElement, draft: Draft | null): void {
  if (!draft) return;
  const values = new Map<string, string[]>();
  for (const [name, value] of draft.fields) values.set(name, [...(values.get(name) ?? []), value]);
  for (const field of form.elements) {
    if (field instanceof HTMLInputElement && ["checkbox", "radio"].includes(field.type)) {
      field.checked = values.get(field.name)?.includes(field.value) ?? false;
    } else if (
      field instanceof HTMLInputElement ||
      field instanceof HTMLSelectElement ||
      field instanceof HTMLTextAreaElement
    ) {
      const kept = values.get(field.name)?.[0];
      if (kept !== undefined && !SECRET.has(field.name)) field.value = kept;
    }
  }
}

function read(key: string): Draft | null {
  try {
    const draft = JSON.parse(localStorage.getItem(key) ?? "null") as Draft | null;
    return draft && Date.now() - draft.at < KEPT_MS ? draft : null;
  } catch {
    return null; // storage is shut off or holds something else
  }
}

function write(key: string, form: HTMLFormElement): void {
  const fields: [string, string][] = [];
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && !SECRET.has(name)) fields.push([name, value]);
  }
  try {
    localStorage.setItem(key, JSON.stringify({ at: Date.now(), fields }));
  } catch {
    // No room or no right to keep it: the form works all the same.
  }
}

function remove(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // nothing was kept
  }
}
