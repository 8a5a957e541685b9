/*
 * monitor/monitor.h: one small process beside each container: parent of its first process, holder of its streams, keeper of its log and
 * of its end. It outlives the engine, asks nothing of the container's file system, and allocates nothing but the rings of its clients.
 */
#ifndef SLIPWAY_MONITOR_H
#define SLIPWAY_MONITOR_H

#include "../commands/failure.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum stream { STREAM_OUT, STREAM_ERR, STREAMS };

enum phase {
    CREATED, /* the first process waits to be let go */
    RUNNING,
    ENDED,  /* its outcome is known, what it wrote is still being read */
    EXITED, /* the record is on disk; clients take what is theirs */
};

/* What commands/launch.c hands over, as NAME=VALUE arguments; descriptors that were not given are -1. */
struct options {
    int listen;      /* monitor.sock, listening */
    int pid, pidfd;  /* the first process, our child */
    int go, outcome; /* lets it go; says what came of it (commands/container.h) */
    int console;     /* the pty's master, or: */
    int in, out, err; /* our ends of the pipes */
    int stdin_once;
    int rootless;    /* in a user namespace */
    int exit_sync;   /* the record is on disk, not just in its file, before anybody is told */
    int log_dir, exit_dir;
    int oom_counter; /* a file with a line "oom_kill N" */
    int oom_event;   /* v1: an eventfd; v2: the counter itself, which wakes who polls it */
    int ready;       /* told our pid and its, once everything stands */
    unsigned log_max_file;
    unsigned long long log_max_size;
    const char *log_name, *exit_name;
};

struct monitor {
    struct options options;
    enum phase phase;
    struct timespec started, finished; /* zero: not yet */
    int code, signal;
    bool oom;
    struct container_failure failure; /* why it did not start */
    bool failed;
    struct timespec let_go; /* when `start` was asked for */
    bool start_asked;
    int64_t drain_until, end_at; /* CLOCK_BOOTTIME in ms */
};

extern struct monitor monitor;

/* text.c */
#define TIME_TEXT 36
int64_t now_ms(void);
/* RFC 3339 in UTC with nanoseconds; zero is Docker's "never". Returns the length. */
size_t time_text(char text[TIME_TEXT], const struct timespec *time);
/* JSON string content without the quotes, U+FFFD for what is no UTF-8. `to` has room for 6 bytes for each given. */
size_t json_escape(char *to, const unsigned char *from, size_t length);
/* How many bytes at the end begin a UTF-8 sequence that goes on after them: 0 to 3. */
size_t utf8_unfinished(const unsigned char *bytes, size_t length);

/* log.c: the container's json-file. */
void log_open(int dir, const char *name, uint64_t max_size, unsigned max_file);
void log_append(enum stream stream, const unsigned char *bytes, size_t length);
/* Writes what waits for the end of its line too, but for an unfinished UTF-8 sequence: log_unfinished() tells which. */
void log_catch_up(void);
size_t log_unfinished(enum stream stream, const unsigned char **bytes);
void log_close(void);
uint64_t log_size(void);
uint64_t log_rotations(void);
uint64_t log_dropped(void);

/* record.c: the exit file. */
void record_prepare(int dir, const char *name);
void record_write(void);

/* input.c: what clients type, on its way to the process. */
bool input_wanted(void);                     /* there is room */
bool input_waiting(void);                    /* there are bytes for the process */
int input_descriptor(void);
ssize_t input_receive(int client);           /* from a client; 0: it ended */
void input_write(void);                      /* to the process */
void input_close(void);                      /* once what is there has been taken */
void input_abandon(void);

/* clients.c */
struct client {
    int fd; /* -1: nobody */
    enum { SILENT, CONTROL, ATTACHED } kind; /* silent: has not yet said what it wants */
    bool takes[STREAMS], types;
    bool input_ended; /* it sends no more */
    bool hung_up;     /* it takes no more */
    bool awaits_start;
    char line[1024]; /* what came in and is no whole line yet */
    size_t length;
    unsigned char *ring; /* RING_HARD bytes, touched as needed */
    size_t head, used, touched;
    int64_t since, full_since; /* connected; without room (0: has room) */
};
extern struct client clients[];

void clients_open(void);
void clients_accept(void);
/* Says in `set` what each client is waited for; clients_handle takes the same places back. */
void clients_poll(struct pollfd *set);
void clients_handle(const struct pollfd *set);
void clients_settle(void); /* lets go of those that are done, gone, or have been waited for long enough */
bool clients_have_room(size_t length);
void clients_output(enum stream stream, const unsigned char *bytes, size_t length);
void clients_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
void clients_started(void); /* goes on with those that wait for the outcome of `start` */
int64_t clients_deadline(void);
bool clients_left(void);
void client_say(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* control.c: one line of a control client. */
void control_hello(struct client *client);
void control_command(struct client *client, char *line);
void control_start_answer(struct client *client);

/* start.c */
int start_begin(void); /* 0 or an errno */
void start_outcome(void);
int start_failure_code(void); /* what a shell would say */

/* init.c: pid 1 of a container that asked for one. */
int init_main(char **argv);

#define CLIENTS 48
/* The first 1 MiB of a ring is what a slow client may owe while the container runs; the second takes what is left in the pipes at its end. */
#define RING_SOFT (1u << 20)
#define RING_HARD (2u << 20)
#define READ_SIZE (64u << 10)

#endif
