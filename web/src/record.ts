// <voice-recorder>: records with the device's microphone and hands the recording to the form's file
// field. Where browsers forbid it (plain HTTP), the phone's own recorder beside it stays the way.

class VoiceRecorder extends HTMLElement {
  private recorder: MediaRecorder | null = null;
  private stream: MediaStream | null = null;
  private context: AudioContext | null = null;
  private began = 0;
  private timer = 0;

  connectedCallback(): void {
    const able = "mediaDevices" in navigator && "MediaRecorder" in window;
    this.find("[data-when=able]").hidden = !able;
    this.find("[data-when=unable]").hidden = able;
    this.hidden = false;
    this.button().addEventListener("click", () => {
      if (this.recorder) this.recorder.stop();
      else void this.start();
    });
  }

  disconnectedCallback(): void {
    this.release();
  }

  private async start(): Promise<void> {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: { autoGainControl: true } });
    } catch {
      this.say("refused");
      return;
    }
    const pieces: Blob[] = [];
    const recorder = new MediaRecorder(this.stream);
    this.recorder = recorder;
    recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    recorder.addEventListener("stop", () => {
      this.release();
      this.keep(new Blob(pieces, { type: recorder.mimeType }));
    });
    recorder.start(1000);
    this.began = Date.now();
    this.classList.add("is-recording");
    this.word(this.dataset["stop"] ?? "");
    this.say("recording");
    this.measure(this.stream);
  }

  private measure(stream: MediaStream): void {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const meter = this.find("meter") as HTMLMeterElement;
    this.timer = window.setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const peak = samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      meter.value = Math.max(0, 60 + 20 * Math.log10(peak || 1e-6));
      this.find("time").textContent = clock(Date.now() - this.began);
    }, 100);
  }

  private keep(sound: Blob): void {
    const kind = sound.type.includes("mp4") ? "m4a" : "webm";
    const file = new File([sound], `thu-am.${kind}`, { type: sound.type });
    const field = document.querySelector<HTMLInputElement>("#file");
    const files = new DataTransfer();
    files.items.add(file);
    if (field) field.files = files.files;
    const player = this.find("audio") as HTMLAudioElement;
    player.src = URL.createObjectURL(sound);
    player.hidden = false;
    this.word(this.dataset["again"] ?? "");
    this.say("recorded");
  }

  private release(): void {
    window.clearInterval(this.timer);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    void this.context?.close();
    this.recorder = this.stream = this.context = null;
    this.classList.remove("is-recording");
  }

  private say(name: string): void {
    this.find("[role=status]").textContent = this.dataset[name] ?? "";
  }

  private word(text: string): void {
    const word = this.button().querySelector("span");
    if (word) word.textContent = text;
  }

  private button(): HTMLButtonElement {
    return this.find("button") as HTMLButtonElement;
  }

  private find(selector: string): HTMLElement {
    return this.querySelector<HTMLElement>(selector) as HTMLElement;
  }
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

customElements.define("voice-recorder", VoiceRecorder);
