/* The device program of cgroup v2, tried on a real group: it decides what a process in it may open. Skips where that is not possible. */
#include "../base/cleanup.h"
#include "../kernel/cgroup-backends.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int check_group(int root, const char *name, const struct spec_resources *resources, const char *path, int flags)
{
    struct error err = {0};
    if (mkdirat(root, name, 0755) < 0 && errno != EEXIST)
        return -1;
    cleanup_close int group = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group < 0 || cgroup_v2_set_devices(group, resources, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        if (cgroup_write(group, "cgroup.procs", &err, "0") < 0)
            _exit(255);
        _exit(open(path, flags | O_NONBLOCK) >= 0 ? 0 : errno);
    }
    int status = 0;
    waitpid(child, &status, 0);
    unlinkat(root, name, AT_REMOVEDIR);
    return WEXITSTATUS(status);
}

static int failures;

static void expect(int wanted, int got, const char *what)
{
    if (wanted != got) {
        fprintf(stderr, "%s: wanted %d, got %d\n", what, wanted, got);
        failures++;
    }
}

int main(void)
{
    int root = open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        root = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (geteuid() != 0 || root < 0 || faccessat(root, "cgroup.procs", W_OK, 0) < 0) {
        puts("skipped: needs root and cgroup v2");
        return 0;
    }
    struct spec_device_rule none[] = {{.allow = false, .type = 'a', .major = -1, .minor = -1, .access = 7}};
    struct spec_device_rule read_fuse[] = {none[0], {.allow = true, .type = 'c', .major = 10, .minor = 229, .access = SPEC_ACCESS_READ}};
    struct spec_device_rule all[] = {{.allow = true, .type = 'a', .major = -1, .minor = -1, .access = 7}};
    struct spec_device_rule all_but_fuse[] = {all[0], {.allow = false, .type = 'c', .major = 10, .minor = 229, .access = SPEC_ACCESS_WRITE}};
    struct spec_resources resources = {.devices = none, .device_count = 1};
    expect(0, check_group(root, "slipway-test", &resources, "/dev/zero", O_RDWR), "a default device");
    expect(EPERM, check_group(root, "slipway-test", &resources, "/dev/fuse", O_RDONLY), "a device that is not listed");
    resources = (struct spec_resources){.devices = read_fuse, .device_count = 2};
    expect(0, check_group(root, "slipway-test", &resources, "/dev/fuse", O_RDONLY), "reading where reading is allowed");
    expect(EPERM, check_group(root, "slipway-test", &resources, "/dev/fuse", O_RDWR), "writing where reading is allowed");
    resources = (struct spec_resources){.devices = all, .device_count = 1};
    expect(0, check_group(root, "slipway-test", &resources, "/dev/fuse", O_RDWR), "everything allowed");
    resources = (struct spec_resources){.devices = all_but_fuse, .device_count = 2};
    expect(EPERM, check_group(root, "slipway-test", &resources, "/dev/fuse", O_RDWR), "one access taken away");
    expect(0, check_group(root, "slipway-test", &resources, "/dev/fuse", O_RDONLY), "the other left");
    resources = (struct spec_resources){.device_count = 0};
    expect(EPERM, check_group(root, "slipway-test", &resources, "/dev/fuse", O_RDONLY), "no rules at all");
    return failures != 0;
}
