// <clip-editor>: two marks on the waveform of an original, dragged by any pointer or moved by keys,
// beside two number fields that say the same. What lies between can be listened to.

const LEAST_S = 0.3;
type Side = "start" | "end";

// As people read it; number fields and ARIA take a point in every language.
function tenths(seconds: number): string {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return seconds.toLocaleString(document.documentElement.lang, digits);
}

class ClipEditor extends HTMLElement {
  private length = 0;
  private past: [number, number][] = [];
  private frame = 0;

  connectedCallback(): void {
    this.length = Number(this.dataset["length"]) / 1000;
    for (const part of this.querySelectorAll<HTMLElement>("[data-scripted], .editor-mark")) {
      part.hidden = false;
    }
    for (const side of ["start", "end"] as const) {
      const mark = this.mark(side);
      mark.addEventListener("pointerdown", (event) => this.drag(event, side));
      mark.addEventListener("keydown", (event) => this.key(event, side));
      const field = this.field(side);
      let before = this.chosen();
      field.addEventListener("focus", () => (before = this.chosen()));
      field.addEventListener("change", () => {
        this.remember(before);
        this.set(side, Number(field.value));
        before = this.chosen();
      });
    }
    this.button("[data-undo]").addEventListener("click", () => this.undo());
    this.button("[data-play]").addEventListener("click", () => this.toggle());
    this.audio().addEventListener("pause", () => this.playing(false));
    this.draw();
  }

  disconnectedCallback(): void {
    cancelAnimationFrame(this.frame);
  }

  private drag(event: PointerEvent, side: Side): void {
    if (event.button !== 0) return;
    const mark = this.mark(side);
    const box = mark.parentElement?.getBoundingClientRect();
    if (!box) return;
    this.remember(this.chosen());
    mark.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent) =>
      this.set(side, ((moved.clientX - box.left) / box.width) * this.length);
    mark.addEventListener("pointermove", move);
    mark.addEventListener("lostpointercapture", () => mark.removeEventListener("pointermove", move), {
      once: true,
    });
  }

  private key(event: KeyboardEvent, side: Side): void {
    const steps: Record<string, number> = {
      ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1, PageDown: -1, PageUp: 1,
      Home: -this.length, End: this.length,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    if (!event.repeat) this.remember(this.chosen());
    this.set(side, Number(this.field(side).value) + step);
  }

  private set(side: Side, to: number): void {
    const [start, end] = this.chosen();
    const value =
      side === "start"
        ? Math.min(Math.max(to, 0), end - LEAST_S)
        : Math.max(Math.min(to, this.length), start + LEAST_S);
    this.field(side).value = value.toFixed(1);
    this.draw();
  }

  private chosen(): [number, number] {
    return [Number(this.field("start").value), Number(this.field("end").value)];
  }

  private remember(state: [number, number]): void {
    this.past.push(state);
    this.button("[data-undo]").disabled = false;
  }

  private undo(): void {
    const last = this.past.pop();
    if (last) [this.field("start").value, this.field("end").value] = last.map((s) => s.toFixed(1)) as [string, string];
    this.button("[data-undo]").disabled = this.past.length === 0;
    this.draw();
  }

  private draw(): void {
    const [start, end] = this.chosen();
    const wide = this.querySelector("svg")?.viewBox.baseVal.width ?? 1;
    const at = (seconds: number) => (seconds / this.length) * wide;
    this.shade("start", 0, at(start));
    this.shade("end", at(end), wide - at(end));
    for (const [side, value] of [["start", start], ["end", end]] as const) {
      const mark = this.mark(side);
      mark.style.left = `${(100 * value) / this.length}%`;
      mark.setAttribute("aria-valuemin", "0");
      mark.setAttribute("aria-valuemax", this.length.toFixed(1));
      mark.setAttribute("aria-valuenow", value.toFixed(1));
    }
    const text = this.querySelector<HTMLElement>("[data-chosen]");
    if (text) text.textContent = (text.dataset["text"] ?? "").replace("{}", tenths(end - start));
  }

  private shade(side: Side, x: number, width: number): void {
    const rect = this.querySelector(`rect[data-side=${side}]`);
    rect?.setAttribute("x", String(x));
    rect?.setAttribute("width", String(Math.max(width, 0)));
  }

  private toggle(): void {
    const audio = this.audio();
    if (!audio.paused) {
      audio.pause();
      return;
    }
    audio.currentTime = this.chosen()[0];
    void audio.play();
    this.playing(true);
    const follow = () => {
      const now = this.querySelector<HTMLElement>(".editor-now");
      if (now) {
        now.hidden = audio.paused;
        now.style.left = `${(100 * audio.currentTime) / this.length}%`;
      }
      if (audio.currentTime >= this.chosen()[1]) audio.pause();
      if (!audio.paused) this.frame = requestAnimationFrame(follow);
    };
    audio.addEventListener("playing", () => (this.frame = requestAnimationFrame(follow)), { once: true });
  }

  private playing(on: boolean): void {
    const button = this.button("[data-play]");
    const word = button.querySelector("span");
    button.dataset["listen"] ??= word?.textContent ?? "";
    if (word) word.textContent = (on ? button.dataset["stop"] : button.dataset["listen"]) ?? "";
    const now = this.querySelector<HTMLElement>(".editor-now");
    if (now && !on) now.hidden = true;
  }

  private mark(side: Side): HTMLElement {
    return this.querySelector<HTMLElement>(`[data-mark=${side}]`) as HTMLElement;
  }

  private field(side: Side): HTMLInputElement {
    return this.querySelector<HTMLInputElement>(`input[name=${side}]`) as HTMLInputElement;
  }

  private button(selector: string): HTMLButtonElement {
    return this.querySelector<HTMLButtonElement>(selector) as HTMLButtonElement;
  }

  private audio(): HTMLAudioElement {
    return this.querySelector("audio") as HTMLAudioElement;
  }
}

customElements.define("clip-editor", ClipEditor);
