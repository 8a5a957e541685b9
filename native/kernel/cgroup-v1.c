/* kernel/cgroup-v1.c: limits of the older kind, a hierarchy for each controller. */
#include "cgroup-backends.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static int set_number(int group, const char *file, struct spec_number number, struct error *err)
{
    return number.set ? cgroup_write(group, file, err, "%" PRId64, number.value) : 0;
}

/* The kernel wants memory <= memory and swap at every moment, so the one that grows goes first. */
static int apply_memory(int group, const struct spec_resources *resources, struct error *err)
{
    char text[64];
    bool swap_grows = resources->memory_swap.set &&
                      (resources->memory_swap.value < 0 || (cgroup_read(group, "memory.memsw.limit_in_bytes", text, sizeof text) &&
                                                            strtoull(text, NULL, 10) < (unsigned long long)resources->memory_swap.value));
    if (swap_grows)
        TRY(set_number(group, "memory.memsw.limit_in_bytes", resources->memory_swap, err));
    TRY(set_number(group, "memory.limit_in_bytes", resources->memory_limit, err));
    if (!swap_grows)
        TRY(set_number(group, "memory.memsw.limit_in_bytes", resources->memory_swap, err));
    TRY(set_number(group, "memory.soft_limit_in_bytes", resources->memory_reservation, err));
    TRY(set_number(group, "memory.swappiness", resources->memory_swappiness, err));
    return set_number(group, "memory.oom_control", resources->memory_disable_oom_killer, err);
}

static int apply_cpu(int group, const struct spec_resources *resources, struct error *err)
{
    if (resources->cpu_shares.set && resources->cpu_shares.value > 0)
        TRY(set_number(group, "cpu.shares", resources->cpu_shares, err));
    if (resources->cpu_period.set && resources->cpu_period.value > 0)
        TRY(set_number(group, "cpu.cfs_period_us", resources->cpu_period, err));
    if (resources->cpu_quota.set && resources->cpu_quota.value != 0)
        TRY(set_number(group, "cpu.cfs_quota_us", resources->cpu_quota, err));
    TRY(set_number(group, "cpu.cfs_burst_us", resources->cpu_burst, err));
    if (resources->cpu_realtime_period.set && resources->cpu_realtime_period.value > 0)
        TRY(set_number(group, "cpu.rt_period_us", resources->cpu_realtime_period, err));
    if (resources->cpu_realtime_runtime.set && resources->cpu_realtime_runtime.value != 0)
        TRY(set_number(group, "cpu.rt_runtime_us", resources->cpu_realtime_runtime, err));
    return set_number(group, "cpu.idle", resources->cpu_idle, err);
}

static int apply_cpuset(int group, const struct spec_resources *resources, struct error *err)
{
    if (resources->cpuset_cpus && resources->cpuset_cpus[0])
        TRY(cgroup_write(group, "cpuset.cpus", err, "%s", resources->cpuset_cpus));
    if (resources->cpuset_mems && resources->cpuset_mems[0])
        TRY(cgroup_write(group, "cpuset.mems", err, "%s", resources->cpuset_mems));
    return 0;
}

int cgroup_v1_inherit_cpuset(int parent, int group, struct error *err)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
    for (size_t i = 0; i < 2; i++) {
        char own[4096], theirs[4096];
        if (!cgroup_read(group, files[i], own, sizeof own) || (own[0] != '\0' && own[0] != '\n'))
            continue;
        if (!cgroup_read(parent, files[i], theirs, sizeof theirs))
            return fail(err, errno, "read %s", files[i]);
        TRY(cgroup_write(group, files[i], err, "%s", theirs));
    }
    return 0;
}

static int apply_throttle(int group, const char *file, const struct spec_device_numbers *numbers, struct error *err)
{
    for (size_t i = 0; i < numbers->count; i++)
        TRY(cgroup_write(group, file, err, "%u:%u %" PRIu64, numbers->items[i].major, numbers->items[i].minor, numbers->items[i].value));
    return 0;
}

static int apply_blkio(int group, const struct spec_resources *resources, struct error *err)
{
    bool plain = faccessat(group, "blkio.weight", F_OK, 0) == 0;
    if (resources->io_weight.set && resources->io_weight.value > 0)
        TRY(set_number(group, plain ? "blkio.weight" : "blkio.bfq.weight", resources->io_weight, err));
    TRY(apply_throttle(group, plain ? "blkio.weight_device" : "blkio.bfq.weight_device", &resources->io_weight_device, err));
    TRY(apply_throttle(group, "blkio.throttle.read_bps_device", &resources->io_read_bps, err));
    TRY(apply_throttle(group, "blkio.throttle.write_bps_device", &resources->io_write_bps, err));
    TRY(apply_throttle(group, "blkio.throttle.read_iops_device", &resources->io_read_iops, err));
    return apply_throttle(group, "blkio.throttle.write_iops_device", &resources->io_write_iops, err);
}

static int apply_pids(int group, const struct spec_resources *resources, struct error *err)
{
    if (!resources->pids_limit.set || resources->pids_limit.value == 0)
        return 0;
    return resources->pids_limit.value < 0 ? cgroup_write(group, "pids.max", err, "max") : set_number(group, "pids.max", resources->pids_limit, err);
}

static int apply_hugetlb(int group, const struct spec_resources *resources, struct error *err)
{
    for (size_t i = 0; i < resources->hugepage_count; i++) {
        char file[64];
        snprintf(file, sizeof file, "hugetlb.%.30s.limit_in_bytes", resources->hugepages[i].name);
        TRY(cgroup_write(group, file, err, "%s", resources->hugepages[i].value));
    }
    return 0;
}

static int apply_device_rule(int group, const struct spec_device_rule *rule, struct error *err)
{
    char major[24] = "*", minor[24] = "*", access[4];
    size_t length = 0;
    if (rule->major >= 0)
        snprintf(major, sizeof major, "%" PRId64, rule->major);
    if (rule->minor >= 0)
        snprintf(minor, sizeof minor, "%" PRId64, rule->minor);
    if (rule->access & SPEC_ACCESS_READ)
        access[length++] = 'r';
    if (rule->access & SPEC_ACCESS_WRITE)
        access[length++] = 'w';
    if (rule->access & SPEC_ACCESS_MKNOD)
        access[length++] = 'm';
    access[length] = '\0';
    /* To the kernel, "a" means every device with every access, and clears what was said before. */
    if (rule->type == 'a' && rule->major < 0 && rule->minor < 0 && length == 3)
        return cgroup_write(group, rule->allow ? "devices.allow" : "devices.deny", err, "a");
    for (const char *type = "cb"; *type; type++)
        if (rule->type == 'a' || rule->type == *type)
            TRY(cgroup_write(group, rule->allow ? "devices.allow" : "devices.deny", err, "%c %s:%s %s", *type, major, minor, access));
    return 0;
}

static int apply_devices(int group, const struct spec_resources *resources, struct error *err)
{
    TRY(cgroup_write(group, "devices.deny", err, "a"));
    for (size_t i = 0; i < resources->device_count; i++)
        TRY(apply_device_rule(group, &resources->devices[i], err));
    for (size_t i = 0; i < cgroup_default_device_count; i++)
        TRY(apply_device_rule(group, &cgroup_default_devices[i], err));
    return 0;
}

int cgroup_v1_apply(int group, const char *controller, const struct spec_resources *resources, bool fresh, struct error *err)
{
    static const struct {
        const char *controller;
        int (*apply)(int, const struct spec_resources *, struct error *);
    } appliers[] = {
        {"memory", apply_memory}, {"cpu", apply_cpu},   {"cpuset", apply_cpuset},
        {"blkio", apply_blkio},   {"pids", apply_pids}, {"hugetlb", apply_hugetlb},
    };
    for (size_t i = 0; i < sizeof appliers / sizeof *appliers; i++)
        if (strcmp(controller, appliers[i].controller) == 0)
            TRY(appliers[i].apply(group, resources, err));
    return fresh && strcmp(controller, "devices") == 0 ? apply_devices(group, resources, err) : 0;
}
