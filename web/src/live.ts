// The live stream: names of what changed become events on <body>, which htmx's triggers wait for.
// The page says when it may be old, and catches up as soon as the server is heard again.

const KINDS = ["airing", "playback", "node", "clip", "schedule", "area", "emergency"];
const SILENT_MS = 40_000; // the server speaks every 5 s
const AGAIN_MS = 10_000;

export function listen(body: HTMLElement): void {
  const address = body.dataset["live"];
  if (!address || !("EventSource" in window)) return;
  new Stream(body, address).open();
}

class Stream {
  private source: EventSource | null = null;
  private watch = 0;
  private wasStale = false;

  constructor(
    private readonly body: HTMLElement,
    private readonly address: string,
  ) {
    // A page in the background holds no connection; it catches up when it is looked at again.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.close();
      else this.open(true);
    });
    // Chromium otherwise keeps the stream while the next page already asks for its parts.
    window.addEventListener("pagehide", () => this.close());
  }

  open(catchUp = false): void {
    this.close();
    const source = new EventSource(this.address);
    this.source = source;
    source.addEventListener("hello", () => {
      if (catchUp || this.wasStale) this.refreshAll();
      this.heard();
    });
    source.addEventListener("ping", () => this.heard());
    for (const kind of KINDS) {
      source.addEventListener(kind, () => {
        this.heard();
        this.say(kind);
      });
    }
    source.addEventListener("error", () => {
      this.stale();
      // The browser tries again by itself, except after a refusal.
      if (source.readyState === EventSource.CLOSED) {
        window.setTimeout(() => this.source === source && this.open(true), AGAIN_MS);
      }
    });
    this.expect();
  }

  private close(): void {
    this.source?.close();
    this.source = null;
    window.clearTimeout(this.watch);
  }

  private heard(): void {
    if (this.wasStale) this.mark("");
    this.wasStale = false;
    this.body.dataset["connected"] = "";
    this.expect();
  }

  private expect(): void {
    window.clearTimeout(this.watch);
    this.watch = window.setTimeout(() => {
      this.stale();
      this.open(true);
    }, SILENT_MS);
  }

  private stale(): void {
    delete this.body.dataset["connected"];
    if (this.wasStale) return;
    this.wasStale = true;
    this.mark(document.getElementById("stale")?.dataset["text"] ?? "");
  }

  private mark(text: string): void {
    const place = document.getElementById("stale");
    if (place) place.textContent = text;
  }

  private refreshAll(): void {
    for (const kind of KINDS) this.say(kind);
  }

  private say(kind: string): void {
    this.body.dispatchEvent(new CustomEvent(`live-${kind}`));
  }
}
