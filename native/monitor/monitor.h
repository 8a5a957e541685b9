/*
 * monitor/monitor.h: one small process beside each container: parent of its first process and of every further one, holder of their streams,
 * keeper of its log, its health and its end. It outlives the engine and asks nothing of the container's file system.
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
    CREATED, /* waits to be let go */
    RUNNING,
    ENDED,  /* its outcome is known, what it wrote is still being read */
    EXITED, /* all of it is told; clients take what is theirs */
};

#define DOORS_MAX 24
#define EXEC_ID 16

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
    int log_dir, exit_dir, state_dir;
    int oom_counter; /* a file with a line "oom_kill N" */
    int oom_event;   /* v1: an eventfd; v2: the counter itself, which wakes who polls it */
    int ready;       /* told our pid and its, once everything stands */
    int namespaces;  /* CLONE_NEW… flags of those that an exec joins; -1: this monitor makes no execs */
    int no_groups;   /* a user namespace that knows no setgroups */
    int own;         /* what a further process shares with the first (base/exec-record.h) */
    int leaf, leaf_list; /* the v2 group to be born in, or its list to enter */
    int doors[DOORS_MAX]; /* the lists of the v1 groups */
    size_t door_count;
    int freezer;     /* a file that says whether the container is paused */
    int probe;       /* the health check as a record; -1: none */
    long long health_interval, health_timeout, health_start_period, health_start_interval;
    int health_retries;
    unsigned log_max_file;
    unsigned long long log_max_size;
    const char *log_name, *exit_name;
    const char *rootfs; /* the container's layers, mounted where only we see them; NULL: not ours to let go of */
};

/* What a client typed and the process has not yet taken. */
struct input {
    unsigned char *bytes; /* INPUT_SIZE, once somebody types */
    size_t start, end;
    bool closing;
};

/* The container's first process, or a further one. */
struct process {
    struct process *next;
    char id[EXEC_ID + 1]; /* "": the first */
    enum phase phase;
    pid_t pid;
    int console;      /* the pty's master, or: */
    int in, out, err; /* our ends of the pipes */
    int slave;        /* keeps the terminal open while the process lives, though it may close and open it again */
    bool terminal, stdin_open, stdin_once;
    bool widened[STREAMS]; /* the pipe holds as much as it may */
    unsigned short rows, cols;
    struct timespec started, finished, let_go; /* zero: not yet; when `start` was asked for */
    int code, signal;
    bool start_asked, failed;
    struct container_failure failure; /* why it did not start */
    int64_t drain_until;
    struct input input;

    /* an exec's */
    char *record; /* what is to be run, until it is */
    size_t record_length;
    int sync;     /* where it says how far it is (base/sync.h); -1 */
    bool waits_for_client; /* it starts once somebody is attached */
    bool probe;   /* a health check: its output is kept, nobody attaches */
    unsigned clients;
};

struct monitor {
    struct options options;
    struct process first;
    struct process *execs;
    bool oom;
    int64_t end_at; /* CLOCK_BOOTTIME in ms */
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

/* options.c */
void options_read(char **argv);

/* privileges.c */
void privileges_keep(void);  /* a monitor that makes execs works with few and may take up the others */
void privileges_raise(void); /* for a moment, or in a child for good */
void privileges_lower(void);

/* process.c: any process's streams, and its end. */
void process_init(struct process *process);
void process_drop_streams(struct process *process);
/* Reads what is there, as far as its clients have room. Returns how many bytes that were. */
ssize_t process_output(struct process *process, enum stream stream, int *fd);
void process_ended(struct process *process, int status);
/* Whether there may be more to hear: output, or whether it started at all. */
bool process_open(const struct process *process);
void process_running(struct process *process);
void process_failed(struct process *process);
int process_failure_code(const struct process *process); /* what a shell would say */

/* start.c: the first process. */
int start_begin(void); /* 0 or an errno */
void start_outcome(void);

/* exec.c: further processes. */
struct process *exec_find(const char *id);
/* A record of commands that a client or the health check wants run; owned from here on. NULL with errno. */
struct process *exec_create(const char *id, char *record, size_t length);
int exec_start(struct process *process); /* 0 or an errno */
void exec_joined(struct process *process); /* the client that its start waited for is there */
void exec_heard(struct process *process); /* its side of `sync` */
void exec_finish(struct process *process);
void exec_kill(const struct process *process);
void exec_settle(void); /* forgets those that nobody needs any more */
/* How one that is over ended, among the last 64. */
struct exec_end {
    char id[EXEC_ID + 1];
    pid_t pid;
    int code, signal;
    struct timespec started, finished;
};
const struct exec_end *exec_ended(const char *id);

/* exec-child.c: what the child of a monitor does to become a process of the container. */
struct exec_streams {
    int in, out, err; /* -1: /dev/null */
    int toolbox;      /* a sealed program to be run in the place of one of the container's; -1 */
};
_Noreturn void exec_child(const struct process *process, const struct exec_streams *streams, int sync, bool born_in_leaf);

/* health.c */
void health_begin(void);  /* the container runs */
int64_t health_deadline(void);
void health_tick(void);
void health_output(const unsigned char *bytes, size_t length);
void health_probed(struct process *process);
void health_end(void);

/* log.c: the container's json-file. */
void log_open(int dir, const char *name, uint64_t max_size, unsigned max_file);
void log_append(enum stream stream, const unsigned char *bytes, size_t length);
/* Writes what waits for the end of its line too, but for an unfinished UTF-8 sequence: log_unfinished() tells which. */
void log_catch_up(void);
size_t log_unfinished(enum stream stream, const unsigned char **bytes);
void log_close(void);
void log_sync(void);
uint64_t log_size(void);
uint64_t log_rotations(void);
uint64_t log_dropped(void);

/* record.c: the exit file. */
void record_prepare(int dir, const char *name);
void record_write(void); /* whoever comes now reads it, whatever becomes of us and the engine */
void record_sync(void);  /* and whatever becomes of the machine */

/* input.c: what clients type, on its way to the process. */
bool input_wanted(const struct process *process);  /* there is room */
bool input_waiting(const struct process *process); /* there are bytes for the process */
int input_descriptor(const struct process *process);
ssize_t input_receive(struct process *process, int client); /* from a client; 0: it ended */
void input_write(struct process *process);         /* to the process */
void input_close(struct process *process);         /* once what is there has been taken */
void input_abandon(struct process *process);

/* clients.c */
struct client {
    struct client *next;
    struct process *process; /* whose streams, or who is steered; NULL while silent */
    int fd; /* -1: gone */
    int lent; /* another's socket that its output goes to; -1: its own */
    enum { SILENT, CONTROL, ATTACHED } kind; /* silent: has not yet said what it wants */
    bool takes[STREAMS], types;
    bool framed; /* it gets Docker's frames, not bytes as they are */
    bool input_ended; /* it sends no more */
    bool hung_up;     /* it takes no more */
    bool awaits_start;
    bool waits_for_outlet; /* its output is kept until it has said where to */
    size_t until_outlet;   /* bytes that still go to itself before it has to say so; 0: any number */
    bool awaits_exec; /* it is to be attached to an exec that is not there yet */
    char line[256]; /* what came in and is no whole line yet */
    size_t length;
    char *record; /* of an exec, coming in */
    size_t record_length, record_size;
    unsigned char *ring; /* RING_HARD bytes, once there is something to keep */
    size_t head, used, touched;
    int overflow; /* a file without a name that goes on where the ring ends; -1 */
    uint64_t written, read;
    int64_t since; /* connected */
};

void clients_accept(void);
bool clients_full(void); /* nobody else is let in for now */
size_t clients_count(void);
/* Says in `set` what each client is waited for, in two places; clients_handle takes the same places back. */
#define CLIENT_POLLS 2
void clients_poll(struct pollfd *set);
void clients_handle(const struct pollfd *set, size_t count);
void clients_settle(void); /* lets go of those that are done, gone, or have been waited for long enough */
bool clients_have_room(const struct process *process);
void clients_output(const struct process *process, enum stream stream, const unsigned char *bytes, size_t length);
/* How many control clients of it there are to hear. */
unsigned clients_event(const struct process *process, const char *format, ...) __attribute__((format(printf, 2, 3)));
void clients_started(struct process *process); /* goes on with those that wait for the outcome of `start` */
void clients_go_on(struct process *process);   /* with a start that waited for somebody to attach */
int64_t clients_deadline(void);
bool clients_left(void);
void client_say(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
void client_refuse(struct client *client, int errnum, const char *step, const char *message);

/* control.c: one line of a control client. */
void control_hello(struct client *client);
void control_command(struct client *client, char *line);
void control_start(struct client *client);
void control_start_answer(struct client *client);

/* porter.c: carries an engine's sockets to monitors. */
int porter_main(void);

/* init.c: pid 1 of a container that asked for one. */
int init_main(char **argv);

#define CLIENTS_MAX 384
#define EXECS_MAX 192
#define EXEC_RECORD_MAX (4u << 20)
/* A client of the container may owe 1 MiB before the rest goes to a file; an exec's takes what is left in the pipes at its end. */
#define RING_SOFT (1u << 20)
#define RING_HARD (2u << 20)
#define READ_SIZE (128u << 10)
#define INPUT_SIZE (64u << 10)

#endif
