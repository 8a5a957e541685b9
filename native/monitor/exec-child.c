/*
 * monitor/exec-child.c: from a child of the monitor to a process of the container, in two steps.
 *
 * The first enters: it still stands in the host's pid namespace, where the container sees nothing of it. It joins the groups, lets go of every
 * descriptor that is not meant for the process, finds the user, the directory and the program, and keeps of its capabilities what the process may
 * have and what the last step needs. Only then it makes the process, which is born inside: what a container that may trace everybody finds there is a copy of the monitor in
 * sealed memory, without a descriptor of the host, that is about to give up the rest.
 */
#include "monitor.h"

#include "../base/cleanup.h"
#include "../base/sync.h"
#include "../commands/exec-own.h"
#include "../kernel/beneath.h"
#include "../kernel/caps.h"
#include "../kernel/process.h"
#include "../kernel/seccomp.h"
#include "../kernel/terminal.h"
#include "../kernel/user.h"
#include "exec-record.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* What is to become of it, and what it needs on the way. */
struct plan {
    struct spec_process process;
    const char *user;
    char **groups;
    bool privileged;
    char *apparmor;
    struct spec_caps caps;
    struct seccomp_filter filter;
    int sync, master, null, toolbox;
    char *program;
    bool limited; /* it waits for its resource limits */
};

static int step(int status, const char *name, struct error *err)
{
    return status < 0 ? in_step(err, name) : 0;
}

/* ---- reading ---- */

static char **list_of(char *record, size_t length, const char *name)
{
    size_t count = 0;
    char *value;
    for (char *at = record, *text; (text = record_next(record, length, &at));)
        count += record_value(text, name) != NULL;
    char **list = calloc(count + 1, sizeof *list);
    count = 0;
    for (char *at = record, *text; list && (text = record_next(record, length, &at));)
        if ((value = record_value(text, name)))
            list[count++] = value;
    return list;
}

static int read_wish(const struct process *process, struct plan *plan, struct error *err)
{
    char *value;
    plan->process.terminal = process->terminal;
    plan->process.rows = process->rows;
    plan->process.cols = process->cols;
    plan->process.umask = -1;
    plan->process.cwd = "/";
    plan->user = "";
    for (char *at = process->record, *text; (text = record_next(process->record, process->record_length, &at));) {
        if ((value = record_value(text, "cwd")))
            plan->process.cwd = value;
        else if ((value = record_value(text, "user")))
            plan->user = value;
        else if ((value = record_value(text, "privileged")))
            plan->privileged = *value == '1';
        else if ((value = record_value(text, "nnp")))
            plan->process.no_new_privileges = *value == '1';
        else if ((value = record_value(text, "caps")))
            plan->caps.bounding = plan->caps.effective = plan->caps.permitted = strtoull(value, NULL, 16);
    }
    plan->process.args = list_of(process->record, process->record_length, plan->toolbox < 0 ? "arg" : "applet");
    plan->process.env = list_of(process->record, process->record_length, "env");
    plan->groups = list_of(process->record, process->record_length, "group");
    if (!plan->process.args || !plan->process.env || !plan->groups)
        return fail(err, ENOMEM, "read what is to be run");
    return 0;
}

static int read_exactly(int file, void *bytes, size_t length, size_t offset, struct error *err)
{
    return pread(file, bytes, length, (off_t)offset) == (ssize_t)length ? 0 : fail(err, EIO, "read what the container's processes share");
}

/* What the first process has, an exec has too; a privileged one is held by neither filter nor profile. */
static int read_own(struct plan *plan, struct error *err)
{
    struct exec_own header;
    TRY(read_exactly(monitor.options.own, &header, sizeof header, 0, err));
    char *record = malloc(header.record_length + 1), *value;
    if (!record)
        return fail(err, ENOMEM, "read what the container's processes share");
    TRY(read_exactly(monitor.options.own, record, header.record_length, sizeof header, err));
    for (char *at = record, *text; (text = record_next(record, header.record_length, &at));) {
        if ((value = record_value(text, "oom"))) {
            plan->process.has_oom_score_adj = true;
            plan->process.oom_score_adj = atoi(value);
        } else if ((value = record_value(text, "nnp")) && !plan->privileged) {
            plan->process.no_new_privileges = true;
        } else if ((value = record_value(text, "apparmor")) && !plan->privileged) {
            plan->apparmor = value;
        } else if (record_value(text, "rlimit")) {
            plan->limited = true;
        }
    }
    if (header.filter_count == 0 || plan->privileged)
        return 0;
    plan->filter = (struct seccomp_filter){calloc(header.filter_count, sizeof *plan->filter.code), header.filter_count, header.filter_flags};
    if (!plan->filter.code)
        return fail(err, ENOMEM, "read the seccomp filter");
    return read_exactly(monitor.options.own, plan->filter.code, header.filter_count * sizeof *plan->filter.code, sizeof header + header.record_length, err);
}

/* ---- the first step ---- */

/* The monitor has made us in the v2 group, where it could. */
static int join_groups(bool born_in_leaf, struct error *err)
{
    const struct options *options = &monitor.options;
    for (size_t i = 0; i < options->door_count; i++)
        if (write(options->doors[i], "0", 1) < 0)
            return fail(err, errno, "join the container's cgroup");
    if (options->leaf_list >= 0 && !born_in_leaf && write(options->leaf_list, "0", 1) < 0)
        return fail(err, errno, "join the container's cgroup");
    return 0;
}

/* Taken with the execve to come. Here /proc is still the host's, and no container's invention. */
static int ask_for_profile(const char *profile, struct error *err)
{
    if (!profile || strcmp(profile, "unconfined") == 0)
        return 0;
    cleanup_close int file = open("/proc/thread-self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT)
        file = open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
    if (file < 0 || dprintf(file, "exec %s", profile) < 0)
        return fail(err, errno, "set the AppArmor profile %.100s (is it loaded?)", profile);
    return 0;
}

/* All namespaces at once. */
static int enter(struct error *err)
{
    int flags = monitor.options.namespaces;
    if (flags && setns(monitor.options.pidfd, flags) < 0)
        return fail(err, errno, "enter the container's namespaces");
    close(monitor.options.pidfd);
    if ((flags & CLONE_NEWUSER) && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
        return fail(err, errno, "become root in the user namespace");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return 0;
}

static int take_streams(struct plan *plan, int root, const struct exec_streams *streams, struct error *err)
{
    int slave = -1;
    int wanted[3] = {streams->in, streams->out, streams->err};
    if (plan->process.terminal) {
        TRY(step(terminal_open(root, &plan->master, &slave, err), "terminal", err));
        if (plan->process.rows && plan->process.cols)
            TRY(step(terminal_resize(plan->master, plan->process.rows, plan->process.cols, err), "terminal", err));
        wanted[0] = wanted[1] = wanted[2] = slave;
    }
    for (int i = 0; i < 3; i++)
        if (wanted[i] < 0)
            wanted[i] = plan->null;
    TRY(process_take_streams(wanted, &plan->process, err));
    for (int i = 0; i < 3; i++)
        if (wanted[i] != plan->null && (i == 0 || wanted[i] != wanted[0]))
            close(wanted[i]);
    return 0;
}

/* What the last step needs beside what the program may have: loading a filter takes CAP_SYS_ADMIN. */
static int keep_few_capabilities(const struct plan *plan, struct error *err)
{
    struct spec_caps few = plan->caps;
    few.inheritable = few.ambient = 0;
    if (plan->filter.code && !plan->process.no_new_privileges)
        few.permitted |= UINT64_C(1) << CAP_SYS_ADMIN;
    few.effective = few.permitted;
    return caps_drop(&few, err);
}

static int prepare(struct plan *plan, const struct process *process, const struct exec_streams *streams, bool born_in_leaf, struct error *err)
{
    int kept[] = {plan->sync, streams->in, streams->out, streams->err, monitor.options.pidfd, plan->toolbox, -1};
    TRY(read_wish(process, plan, err));
    if (plan->toolbox >= 0 && !plan->process.args[0])
        return fail_kind(err, "invalid", 0, "no command specified");
    TRY(read_own(plan, err));
    plan->null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (plan->null < 0)
        return fail(err, errno, "open /dev/null");
    kept[6] = plan->null;
    TRY(step(join_groups(born_in_leaf, err), "cgroup", err));
    TRY(process_keep_descriptors(kept, sizeof kept / sizeof *kept, err)); /* not the monitor's sockets, logs and directories of the host */
    if (plan->process.has_oom_score_adj)
        TRY(step(process_set_oom_score(getpid(), plan->process.oom_score_adj, err), "oom score", err));
    TRY(step(ask_for_profile(plan->apparmor, err), "apparmor", err));
    TRY(step(enter(err), "namespaces", err));
    TRY(step(process_begin(err), "process", err));
    cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(err, errno, "open the container's root");
    TRY(user_resolve(root, plan->user, plan->groups, &plan->process, err));
    if (monitor.options.no_groups)
        plan->process.group_count = 0;
    if (plan->privileged)
        plan->caps = caps_all();
    TRY(step(take_streams(plan, root, streams, err), "streams", err));
    TRY(step(process_become_user(&plan->process, &plan->caps, plan->toolbox < 0 ? &plan->program : NULL, err), "user", err));
    TRY(step(keep_few_capabilities(plan, err), "capabilities", err));
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* becoming a user may have changed that */
    return 0;
}

/* ---- the second step: the process itself ---- */

static int become_program(struct plan *plan, struct error *err)
{
    enum sync_kind kind;
    close(plan->null);
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return fail(err, errno, "begin a session");
    if (plan->process.terminal)
        TRY(step(terminal_become(STDIN_FILENO, err), "terminal", err));
    TRY(step(process_lock(&plan->caps, plan->process.no_new_privileges, &plan->filter, err), "seccomp", err));
    TRY(sync_send(plan->sync, SYNC_READY, NULL, 0, plan->master, err));
    if (plan->master >= 0)
        close(plan->master);
    if (plan->limited) { /* by the monitor, now */
        TRY(sync_receive(plan->sync, &kind, NULL, 0, NULL, err));
        if (kind != SYNC_PROCEED)
            _exit(125); /* the monitor has gone, or wants no more */
    }
    return process_exec(&plan->process, plan->program, plan->toolbox, plan->process.no_new_privileges, &plan->filter, err);
}

static _Noreturn void give_up(const struct plan *plan, const struct error *err)
{
    struct container_failure failure = {.errnum = err->errnum};
    struct error ignored = {0};
    strncpy(failure.step, err->step, sizeof failure.step - 1);
    strncpy(failure.message, err->message, sizeof failure.message - 1);
    sync_send(plan->sync, SYNC_FAILED, &failure, sizeof failure, -1, &ignored);
    _exit(failure.errnum == ENOENT ? 127 : 126);
}

_Noreturn void exec_child(const struct process *process, const struct exec_streams *streams, int sync, bool born_in_leaf)
{
    struct plan plan = {.sync = sync, .master = -1, .null = -1, .toolbox = streams->toolbox};
    struct clone_args inside = {.flags = CLONE_PARENT};
    struct error err = {0};

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    privileges_raise();
    if (prepare(&plan, process, streams, born_in_leaf, &err) < 0)
        give_up(&plan, &err);
    pid_t child = (pid_t)syscall(SYS_clone3, &inside, sizeof inside);
    if (child == 0) {
        become_program(&plan, &err);
        give_up(&plan, &err);
    }
    if (child < 0) {
        fail(&err, errno, "make the process");
        give_up(&plan, &err);
    }
    _exit(0);
}
