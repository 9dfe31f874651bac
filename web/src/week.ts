// <week-sheet>: moves an airing by mouse, by long press on a phone, and by keyboard. Every drag has
// its button twin on the card; both send the same form.

const LIFT_MS = 350;
const SLACK_PX = 8;
// A finger this near the window's top or bottom scrolls the page under it; the bars take some.
const EDGE_PX = 120;
const FASTEST_PX = 14;

interface Drag {
  card: HTMLElement;
  over: HTMLElement | null;
}

export class WeekSheet extends HTMLElement {
  private drag: Drag | null = null;
  private timer = 0;
  private from: [number, number] = [0, 0];
  private at: [number, number] = [0, 0];

  connectedCallback(): void {
    for (const grip of this.querySelectorAll<HTMLButtonElement>(".grip")) grip.hidden = false;
    this.addEventListener("pointerdown", (event) => this.press(event));
    this.addEventListener("keydown", (event) => this.key(event));
    // Touch scrolls the page until a card is lifted.
    this.addEventListener("touchmove", (event) => this.drag && event.preventDefault(), {
      passive: false,
    });
  }

  private press(event: PointerEvent): void {
    const grip = (event.target as Element).closest(".grip");
    const card = grip?.closest<HTMLElement>("[data-airing]");
    if (!card || event.button !== 0) return;
    this.from = [event.clientX, event.clientY];
    const move = (moved: PointerEvent) => this.moved(moved, card);
    const end = (ended: PointerEvent) => {
      window.clearTimeout(this.timer);
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", end);
      document.removeEventListener("pointercancel", end);
      if (ended.type === "pointerup") this.drop();
      else this.leave();
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", end);
    document.addEventListener("pointercancel", end);
    this.at = this.from;
    if (event.pointerType !== "mouse") {
      this.timer = window.setTimeout(() => {
        this.lift(card);
        this.follow();
      }, LIFT_MS);
    }
  }

  private moved(event: PointerEvent, card: HTMLElement): void {
    const far = Math.hypot(event.clientX - this.from[0], event.clientY - this.from[1]) > SLACK_PX;
    if (!this.drag && far && event.pointerType === "mouse") {
      this.lift(card);
      this.follow();
    }
    this.at = [event.clientX, event.clientY];
    if (this.drag) this.look();
  }

  private look(): void {
    const below = document.elementFromPoint(...this.at);
    this.point(below?.closest<HTMLElement>(".cell") ?? null);
  }

  private follow(): void {
    if (!this.drag) return;
    const [, y] = this.at;
    const past = Math.max(EDGE_PX - y, 0) - Math.max(y - (window.innerHeight - EDGE_PX), 0);
    const speed = Math.max(-1, Math.min(1, past / EDGE_PX)) * FASTEST_PX;
    if (speed) {
      window.scrollBy({ top: -speed, behavior: "instant" });
      this.look();
    }
    window.requestAnimationFrame(() => this.follow());
  }

  private key(event: KeyboardEvent): void {
    const grip = (event.target as Element).closest(".grip");
    const card = grip?.closest<HTMLElement>("[data-airing]");
    if (!card) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (this.drag) this.drop();
      else {
        this.lift(card);
        this.point(card.closest<HTMLElement>(".cell"));
        this.say(this.dataset["lifted"] ?? "");
      }
    } else if (this.drag && event.key === "Escape") {
      this.leave();
      this.say(this.dataset["left"] ?? "");
    } else if (this.drag && event.key.startsWith("Arrow")) {
      event.preventDefault();
      this.step(event.key);
    }
  }

  private step(key: string): void {
    const cell = this.drag?.over as HTMLTableCellElement | null;
    const row = cell?.parentElement as HTMLTableRowElement | null;
    if (!cell || !row) return;
    const rows = [...(row.parentElement?.children ?? [])] as HTMLTableRowElement[];
    const across = cell.cellIndex + (key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0);
    const down = rows.indexOf(row) + (key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0);
    const next = rows[down]?.cells[across];
    if (next?.classList.contains("cell")) {
      this.point(next);
      next.scrollIntoView({ block: "nearest" });
      this.say(next.dataset["name"] ?? "");
    }
  }

  private lift(card: HTMLElement): void {
    this.drag = { card, over: null };
    card.classList.add("is-lifted");
    this.classList.add("is-dragging");
  }

  private point(cell: HTMLElement | null): void {
    this.drag?.over?.classList.remove("is-target");
    if (this.drag) this.drag.over = cell;
    cell?.classList.add("is-target");
  }

  private drop(): void {
    const { card, over } = this.drag ?? { card: null, over: null };
    const home = card?.closest<HTMLElement>(".cell");
    this.leave();
    const form = this.querySelector<HTMLFormElement>(".move-form");
    if (!card || !over || over === home || !form) return;
    const sameSession = over.dataset["session"] === home?.dataset["session"];
    form.action = card.dataset["airing"] ?? "";
    this.field(form, "date", over.dataset["day"]);
    this.field(form, "time", sameSession ? card.dataset["time"] : over.dataset["start"]);
    form.submit();
  }

  private field(form: HTMLFormElement, name: string, value = ""): void {
    const input = form.elements.namedItem(name);
    if (input instanceof HTMLInputElement) input.value = value;
  }

  private leave(): void {
    this.point(null);
    this.drag?.card.classList.remove("is-lifted");
    this.classList.remove("is-dragging");
    this.drag = null;
  }

  private say(text: string): void {
    const place = this.querySelector("[role=status]");
    if (place) place.textContent = text;
  }
}
