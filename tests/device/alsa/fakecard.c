/* An ALSA card made of arithmetic: its crystal is CLOCK_MONOTONIC times (1 + ppm / 1e6).
 *
 * It takes frames as hardware would, runs dry as hardware would, and logs to $FAKECARD_LOG at which
 * frame sound begins and ends, so that the instant anything left is known exactly:
 *     start <monotonic seconds of frame 0>   on <frame>   off <frame>   xrun   unplugged
 * `gran` is how coarse the pointer is, in frames. While $FAKECARD_GONE exists it is unplugged, or
 * what that file says: EBUSY to whoever opens it, EIO, EPIPE, or `stall`: it takes no more frames.
 *
 * gcc -shared -fPIC -DPIC -D_GNU_SOURCE fakecard.c -o libasound_module_pcm_fakecard.so -lasound
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define STALLED -1
#define QUIET_FRAMES 2400 /* 50 ms without a loud frame is an end */

struct card {
	snd_pcm_ioplug_t io;
	FILE *log;
	const char *gone;
	double ppm;
	long gran;
	double began;          /* monotonic instant of frame 0; 0 while stopped */
	snd_pcm_sframes_t base; /* the application's frame that was frame 0 */
	int loud;
	long long last_loud;
	long long stalled_at;  /* the frame it stands at; 0 while it runs */
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long long left(struct card *card)
{
	double seconds = now() - card->began;
	long long frames = (long long)(seconds * card->io.rate * (1.0 + card->ppm / 1e6));
	return frames - frames % card->gran;
}

static void note(struct card *card, const char *what, double value)
{
	if (card->log) {
		fprintf(card->log, "%s %.9f\n", what, value);
		fflush(card->log);
	}
}

/* What is wrong with it now: an error number, STALLED, or 0. */
static int fault(struct card *card)
{
	char word[8] = "";
	FILE *file = card->gone ? fopen(card->gone, "r") : NULL;
	if (!file)
		return 0;
	if (!fgets(word, sizeof word, file))
		word[0] = 0;
	fclose(file);
	if (strcmp(word, "EBUSY") == 0)
		return EBUSY;
	if (strcmp(word, "EIO") == 0)
		return EIO;
	if (strcmp(word, "EPIPE") == 0)
		return EPIPE;
	return strcmp(word, "stall") == 0 ? STALLED : ENODEV;
}

static int on_start(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	card->began = now();
	note(card, "start", card->began);
	return 0;
}

static int on_stop(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	if (card->loud) {
		/* Dropped: what was queued and had not left never will. After an underrun all has left. */
		long long end = card->last_loud + 1;
		if (card->began != 0 && left(card) < end)
			end = left(card);
		note(card, "off", (double)end);
	}
	card->loud = 0;
	card->began = 0;
	return 0;
}

static int on_prepare(snd_pcm_ioplug_t *io)
{
	return on_stop(io);
}

static snd_pcm_sframes_t on_pointer(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	int wrong = fault(card);
	if (wrong == ENODEV)
		note(card, "unplugged", 0);
	if (wrong == ENODEV || wrong == EIO || wrong == EPIPE)
		return -wrong;
	if (card->began == 0)
		return 0;
	if (wrong != STALLED)
		card->stalled_at = 0;
	else if (card->stalled_at == 0)
		card->stalled_at = left(card);
	long long frames = card->stalled_at ? card->stalled_at : left(card);
	if (frames > (long long)io->appl_ptr) {
		note(card, "xrun", (double)frames);
		card->began = 0;
		return -EPIPE;
	}
	return frames % (long long)io->buffer_size;
}

static snd_pcm_sframes_t on_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
				     snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct card *card = io->private_data;
	const int16_t *frames = (const int16_t *)((const char *)areas->addr + areas->first / 8) +
				offset * io->channels;
	int wrong = fault(card);
	if (wrong == ENODEV || wrong == EIO)
		return -wrong;
	if (card->loud && (long long)io->appl_ptr <= card->last_loud)
		card->last_loud = (long long)io->appl_ptr - 1; /* rewound: what was queued never left */
	for (snd_pcm_uframes_t i = 0; i < size; i++) {
		long long at = (long long)io->appl_ptr + (long long)i;
		if (frames[i * io->channels] != 0) {
			if (!card->loud)
				note(card, "on", (double)at);
			card->loud = 1;
			card->last_loud = at;
		} else if (card->loud && at - card->last_loud > QUIET_FRAMES) {
			note(card, "off", (double)card->last_loud + 1);
			card->loud = 0;
		}
	}
	return (snd_pcm_sframes_t)size;
}

static int on_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int count,
		      unsigned short *revents)
{
	struct card *card = io->private_data;
	uint64_t ticks;
	(void)count;
	if (read(fds[0].fd, &ticks, sizeof ticks) < 0)
		ticks = 0;
	*revents = 0;
	if (fault(card) == ENODEV) {
		*revents = POLLERR;
	} else if (card->began == 0 || io->state != SND_PCM_STATE_RUNNING) {
		*revents = POLLOUT;
	} else {
		long long queued = (long long)io->appl_ptr - left(card);
		if (queued < (long long)(io->buffer_size - io->period_size))
			*revents = POLLOUT;
	}
	return 0;
}

static int on_close(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	on_stop(io);
	close(io->poll_fd);
	if (card->log)
		fclose(card->log);
	free(card);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = on_start,
	.stop = on_stop,
	.prepare = on_prepare,
	.pointer = on_pointer,
	.transfer = on_transfer,
	.poll_revents = on_revents,
	.close = on_close,
};

static int limit(snd_pcm_ioplug_t *io)
{
	static const unsigned int access[] = { SND_PCM_ACCESS_RW_INTERLEAVED,
					       SND_PCM_ACCESS_MMAP_INTERLEAVED };
	static const unsigned int format[] = { SND_PCM_FORMAT_S16_LE };
	int err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, access);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 1, 2);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, 48000, 48000);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 256, 65536);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 1024, 262144);
	return err;
}

SND_PCM_PLUGIN_DEFINE_FUNC(fakecard)
{
	struct card *card = calloc(1, sizeof *card);
	struct itimerspec every = { { 0, 2000000 }, { 0, 2000000 } };
	const char *log = getenv("FAKECARD_LOG");
	snd_config_iterator_t i, next;
	int err;
	(void)root;

	card->gran = 1;
	card->gone = getenv("FAKECARD_GONE");
	snd_config_for_each(i, next, conf) {
		snd_config_t *entry = snd_config_iterator_entry(i);
		const char *id;
		long value;
		if (snd_config_get_id(entry, &id) < 0 || snd_config_get_integer(entry, &value) < 0)
			continue;
		if (strcmp(id, "ppm") == 0)
			card->ppm = (double)value;
		else if (strcmp(id, "gran") == 0 && value > 0)
			card->gran = value;
	}
	err = fault(card);
	if (err == ENODEV || err == EBUSY) {
		free(card);
		return -err;
	}
	card->log = log ? fopen(log, "a") : NULL;
	card->io.version = SND_PCM_IOPLUG_VERSION;
	card->io.name = "a card made of arithmetic";
	card->io.callback = &callbacks;
	card->io.private_data = card;
	card->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	card->io.poll_events = POLLIN;
	card->io.mmap_rw = 0;
	timerfd_settime(card->io.poll_fd, 0, &every, NULL);
	err = snd_pcm_ioplug_create(&card->io, name, stream, mode);
	if (err >= 0)
		err = limit(&card->io);
	if (err < 0) {
		free(card);
		return err;
	}
	*pcmp = card->io.pcm;
	return 0;
}

SND_PCM_PLUGIN_SYMBOL(fakecard);
