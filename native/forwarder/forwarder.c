/* forwarder/forwarder.c: the forwarder's requests, and what it gives up before it hears any. */
#include "forwarder.h"

#include "../companion/companion.h"
#include "holds.h"
#include "ports.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static json_object *request(json_object *request, struct error *err)
{
    const char *op = json_object_get_string(json_object_object_get(request, "op"));
    if (strcmp(op, "hold") == 0)
        return holds_hold(request, err);
    if (strcmp(op, "release") == 0)
        return holds_release(request, err);
    if (strcmp(op, "state") == 0)
        return holds_state();
    fail_kind(err, "not-implemented", 0, "the forwarder has no operation \"%s\"", op);
    return NULL;
}

static void each_second(void)
{
    udp_expire();
    tcp_resume();
}

/* What it hears from the network must not be worth an attack: it keeps what binds ports below 1024. */
static void lower_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (geteuid() == 0)
        data[0].effective = data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    if (syscall(SYS_capset, &header, data) < 0) {
        data[0].effective = data[0].permitted = 0; /* where it was not ours to keep */
        if (syscall(SYS_capset, &header, data) < 0)
            companion_log("cannot give up privileges: %s", strerror(errno));
    }
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int forwarder_main(const char *run_dir)
{
    static const struct companion forwarder = {"forwarder", request};
    raise_descriptors();
    lower_privileges();
    loop_every_second(each_second);
    return companion_main(&forwarder, run_dir);
}
