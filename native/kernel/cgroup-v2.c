/* kernel/cgroup-v2.c: limits of the unified hierarchy; cgroup-v1.c is its twin for older hosts. */
#include "../base/cleanup.h"
#include "cgroup-backends.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void cgroup_v2_enable(int group)
{
    char controllers[512];
    if (!cgroup_read(group, "cgroup.controllers", controllers, sizeof controllers))
        return;
    char *rest = NULL;
    for (char *name = strtok_r(controllers, " \n", &rest); name; name = strtok_r(NULL, " \n", &rest)) {
        struct error ignored = {0};
        cgroup_write(group, "cgroup.subtree_control", &ignored, "+%s", name); /* what stays missing is missed by the limit that needs it */
    }
}

static int set_number(int group, const char *file, struct spec_number number, struct error *err)
{
    if (!number.set)
        return 0;
    return number.value < 0 ? cgroup_write(group, file, err, "max") : cgroup_write(group, file, err, "%" PRId64, number.value);
}

static int refuse(struct error *err, const char *what)
{
    return fail_kind(err, "not-implemented", 0, "%s does not exist on cgroup v2", what);
}

static int apply_memory(int group, const struct spec_resources *resources, struct error *err)
{
    struct spec_number swap = resources->memory_swap;
    if (resources->memory_swappiness.set)
        return refuse(err, "memory swappiness");
    if (resources->memory_disable_oom_killer.set)
        return refuse(err, "switching the OOM killer off");
    /* The OCI's figure is memory and swap together; the kernel's is swap alone. */
    if (swap.set && swap.value >= 0 && resources->memory_limit.set && resources->memory_limit.value >= 0) {
        if (swap.value > 0 && swap.value < resources->memory_limit.value)
            return fail_kind(err, "invalid", 0, "the limit on memory and swap must not be below the limit on memory");
        swap.value = swap.value > resources->memory_limit.value ? swap.value - resources->memory_limit.value : 0;
        swap.set = resources->memory_swap.value > 0;
    } else if (swap.set && swap.value >= 0) {
        return fail_kind(err, "invalid", 0, "a limit on memory and swap needs a limit on memory");
    }
    TRY(set_number(group, "memory.swap.max", swap, err));
    TRY(set_number(group, "memory.max", resources->memory_limit, err));
    return set_number(group, "memory.low", resources->memory_reservation, err);
}

static int apply_cpu(int group, const struct spec_resources *resources, struct error *err)
{
    if ((resources->cpu_realtime_runtime.set && resources->cpu_realtime_runtime.value > 0) ||
        (resources->cpu_realtime_period.set && resources->cpu_realtime_period.value > 0))
        return refuse(err, "a real-time budget");
    if (resources->cpu_shares.set && resources->cpu_shares.value > 0) {
        int64_t shares = resources->cpu_shares.value < 2 ? 2 : resources->cpu_shares.value > 262144 ? 262144 : resources->cpu_shares.value;
        TRY(cgroup_write(group, "cpu.weight", err, "%" PRId64, 1 + (shares - 2) * 9999 / 262142));
    }
    bool quota = resources->cpu_quota.set && resources->cpu_quota.value != 0, period = resources->cpu_period.set && resources->cpu_period.value > 0;
    if (quota || period) {
        char text[24] = "max";
        if (quota && resources->cpu_quota.value > 0)
            snprintf(text, sizeof text, "%" PRId64, resources->cpu_quota.value);
        TRY(cgroup_write(group, "cpu.max", err, "%s %" PRId64, text, period ? resources->cpu_period.value : 100000));
    }
    TRY(set_number(group, "cpu.max.burst", resources->cpu_burst, err));
    TRY(set_number(group, "cpu.idle", resources->cpu_idle, err));
    if (resources->cpuset_cpus && resources->cpuset_cpus[0])
        TRY(cgroup_write(group, "cpuset.cpus", err, "%s", resources->cpuset_cpus));
    if (resources->cpuset_mems && resources->cpuset_mems[0])
        TRY(cgroup_write(group, "cpuset.mems", err, "%s", resources->cpuset_mems));
    return 0;
}

static int apply_io_max(int group, const char *key, const struct spec_device_numbers *numbers, struct error *err)
{
    for (size_t i = 0; i < numbers->count; i++) {
        const struct spec_device_number *item = &numbers->items[i];
        char text[24] = "max";
        if (item->value > 0)
            snprintf(text, sizeof text, "%" PRIu64, item->value);
        TRY(cgroup_write(group, "io.max", err, "%u:%u %s=%s", item->major, item->minor, key, text));
    }
    return 0;
}

static int apply_io(int group, const struct spec_resources *resources, struct error *err)
{
    bool bfq = faccessat(group, "io.bfq.weight", F_OK, 0) == 0;
    const char *weight = bfq ? "io.bfq.weight" : "io.weight";
    if (resources->io_weight.set && resources->io_weight.value > 0) {
        /* 10..1000 becomes 1..10000, but for bfq, which keeps the old scale. */
        int64_t value = bfq ? resources->io_weight.value : 1 + (resources->io_weight.value - 10) * 9999 / 990;
        TRY(cgroup_write(group, weight, err, "default %" PRId64, value < 1 ? 1 : value));
    }
    for (size_t i = 0; i < resources->io_weight_device.count; i++) {
        const struct spec_device_number *item = &resources->io_weight_device.items[i];
        TRY(cgroup_write(group, weight, err, "%u:%u %" PRIu64, item->major, item->minor, item->value));
    }
    TRY(apply_io_max(group, "rbps", &resources->io_read_bps, err));
    TRY(apply_io_max(group, "wbps", &resources->io_write_bps, err));
    TRY(apply_io_max(group, "riops", &resources->io_read_iops, err));
    return apply_io_max(group, "wiops", &resources->io_write_iops, err);
}

int cgroup_v2_apply(int group, const struct spec_resources *resources, bool fresh, struct error *err)
{
    (void)fresh;
    TRY(apply_memory(group, resources, err));
    TRY(apply_cpu(group, resources, err));
    TRY(apply_io(group, resources, err));
    if (resources->pids_limit.set && resources->pids_limit.value != 0)
        TRY(set_number(group, "pids.max", resources->pids_limit, err));
    for (size_t i = 0; i < resources->hugepage_count; i++) {
        char file[64];
        snprintf(file, sizeof file, "hugetlb.%.30s.max", resources->hugepages[i].name);
        TRY(cgroup_write(group, file, err, "%s", resources->hugepages[i].value));
    }
    for (size_t i = 0; i < resources->unified_count; i++)
        TRY(cgroup_write(group, resources->unified[i].name, err, "%s", resources->unified[i].value));
    return 0;
}

/* ---- devices: a program that the kernel asks, with {access << 16 | type, major, minor} ---- */

#define RULE_INSTRUCTIONS 12

struct program {
    struct bpf_insn *code;
    size_t count;
};

static void emit(struct program *program, uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
    program->code[program->count++] = (struct bpf_insn){.code = op, .dst_reg = dst & 0xf, .src_reg = src & 0xf, .off = off, .imm = imm};
}

static void emit_return(struct program *program, bool allow)
{
    emit(program, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
    emit(program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* r2 type, r3 access wanted, r4 major, r5 minor. What does not match jumps behind the rule; the offsets are filled in at its end. */
static void emit_rule(struct program *program, const struct spec_device_rule *rule)
{
    size_t jumps[5], jump_count = 0;
    if (rule->type != 'a') {
        jumps[jump_count++] = program->count;
        emit(program, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 0, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    }
    if (rule->access != (SPEC_ACCESS_MKNOD | SPEC_ACCESS_READ | SPEC_ACCESS_WRITE)) {
        /* Allowing needs all that is wanted to be in the rule; denying, any of it. SPEC_ACCESS_ and BPF_DEVCG_ACC_ are the same bits. */
        emit(program, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
        emit(program, BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, (int32_t)rule->access);
        jumps[jump_count++] = program->count;
        if (rule->allow)
            emit(program, BPF_JMP | BPF_JNE | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
        else
            emit(program, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0);
    }
    if (rule->major >= 0) {
        jumps[jump_count++] = program->count;
        emit(program, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, (int32_t)rule->major);
    }
    if (rule->minor >= 0) {
        jumps[jump_count++] = program->count;
        emit(program, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 0, (int32_t)rule->minor);
    }
    emit_return(program, rule->allow);
    for (size_t i = 0; i < jump_count; i++)
        program->code[jumps[i]].off = (int16_t)(program->count - jumps[i] - 1);
}

static int attach_program(int group, const struct program *program, struct error *err)
{
    union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
                           .insns = (uint64_t)(uintptr_t)program->code,
                           .insn_cnt = (uint32_t)program->count,
                           .license = (uint64_t)(uintptr_t) "Apache"};
    cleanup_close int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
    if (fd < 0)
        return fail(err, errno, "load the device program");
    union bpf_attr attach = {.target_fd = (uint32_t)group,
                             .attach_bpf_fd = (uint32_t)fd,
                             .attach_type = BPF_CGROUP_DEVICE,
                             .attach_flags = BPF_F_ALLOW_MULTI};
    if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0)
        return fail(err, errno, "attach the device program");
    return 0;
}

int cgroup_v2_set_devices(int group, const struct spec_resources *resources, struct error *err)
{
    size_t rules = resources->device_count + cgroup_default_device_count;
    cleanup_free struct bpf_insn *code = calloc(rules * RULE_INSTRUCTIONS + 8, sizeof *code);
    struct program program = {code, 0};
    if (!code)
        return fail(err, ENOMEM, "make the device program");
    emit(&program, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
    emit(&program, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
    emit(&program, BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
    emit(&program, BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
    emit(&program, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
    emit(&program, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
    /* The last rule that matches decides, so they are asked from the end; after one that matches everything, nothing is reached. */
    bool decided = false;
    for (size_t i = rules; i > 0 && !decided; i--) {
        const struct spec_device_rule *rule =
            i > resources->device_count ? &cgroup_default_devices[i - 1 - resources->device_count] : &resources->devices[i - 1];
        decided = rule->type == 'a' && rule->major < 0 && rule->minor < 0 && rule->access == 7;
        emit_rule(&program, rule);
    }
    if (!decided)
        emit_return(&program, false);
    return attach_program(group, &program, err);
}
