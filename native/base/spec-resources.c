/* base/spec-resources.c: linux.resources, of config.json and of `update`. */
#include "cleanup.h"
#include "fields.h"

#include <inttypes.h>
#include <string.h>

static int parse_device_rules(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"allow", "type", "major", "minor", "access", NULL};
    json_object *array;
    size_t count;
    struct place list = {place, "devices", 0};
    TRY(field_array(json, place, "devices", &array, &count, err));
    out->devices = calloc(count + 1, sizeof *out->devices);
    if (!out->devices)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        struct spec_device_rule *rule = &out->devices[i];
        TRY(field_check_keys(entry, &here, known, err));
        rule->type = 'a';
        rule->major = rule->minor = -1;
        TRY(field_bool(entry, &here, "allow", &rule->allow, err));
        TRY(field_integer(entry, &here, "major", -1, UINT32_MAX, &rule->major, err));
        TRY(field_integer(entry, &here, "minor", -1, UINT32_MAX, &rule->minor, err));
        const char *type = json_object_get_string(field_member(entry, "type"));
        if (type && type[0]) {
            if (strlen(type) != 1 || !strchr("acbu", type[0]))
                return field_refuse(err, &here, "has a type that is none of a, c, b");
            rule->type = type[0] == 'u' ? 'c' : type[0];
        }
        const char *access = json_object_get_string(field_member(entry, "access"));
        for (const char *letter = access && access[0] ? access : "rwm"; *letter; letter++) {
            unsigned bit = *letter == 'r' ? SPEC_ACCESS_READ : *letter == 'w' ? SPEC_ACCESS_WRITE : *letter == 'm' ? SPEC_ACCESS_MKNOD : 0;
            if (bit == 0)
                return field_refuse(err, &here, "has an access that is not made of r, w, m");
            rule->access |= bit;
        }
        out->device_count++;
    }
    return 0;
}

static int parse_memory(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"limit",      "reservation",      "swap",         "kernel",           "kernelTCP",
                                        "swappiness", "disableOOMKiller", "useHierarchy", "checkBeforeUpdate", NULL};
    json_object *memory;
    struct place here = {place, "memory", 0};
    TRY(field_object(json, place, "memory", &memory, err));
    if (!memory)
        return 0;
    TRY(field_check_keys(memory, &here, known, err));
    TRY(field_number(memory, &here, "limit", -1, INT64_MAX, &out->memory_limit, err));
    TRY(field_number(memory, &here, "reservation", -1, INT64_MAX, &out->memory_reservation, err));
    TRY(field_number(memory, &here, "swap", -1, INT64_MAX, &out->memory_swap, err));
    TRY(field_number(memory, &here, "swappiness", 0, 200, &out->memory_swappiness, err));
    /* Limits on the kernel's own memory went away with Linux 5.16; "unlimited" may still be written. */
    int64_t kernel = -1, kernel_tcp = -1;
    TRY(field_integer(memory, &here, "kernel", -1, INT64_MAX, &kernel, err));
    TRY(field_integer(memory, &here, "kernelTCP", -1, INT64_MAX, &kernel_tcp, err));
    if (kernel > 0 || kernel_tcp > 0)
        return field_refuse(err, &here, "limits kernel memory, which Linux no longer can");
    bool disable = false;
    TRY(field_bool(memory, &here, "disableOOMKiller", &disable, err));
    out->memory_disable_oom_killer = (struct spec_number){disable, 1};
    return 0;
}

static int parse_cpu(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"shares", "quota", "burst", "period", "realtimeRuntime", "realtimePeriod", "cpus", "mems", "idle", NULL};
    json_object *cpu;
    struct place here = {place, "cpu", 0};
    TRY(field_object(json, place, "cpu", &cpu, err));
    if (!cpu)
        return 0;
    TRY(field_check_keys(cpu, &here, known, err));
    TRY(field_number(cpu, &here, "shares", 0, 1 << 20, &out->cpu_shares, err));
    TRY(field_number(cpu, &here, "quota", -1, INT64_MAX, &out->cpu_quota, err));
    TRY(field_number(cpu, &here, "burst", 0, INT64_MAX, &out->cpu_burst, err));
    TRY(field_number(cpu, &here, "period", 0, INT64_MAX, &out->cpu_period, err));
    TRY(field_number(cpu, &here, "realtimeRuntime", -1, INT64_MAX, &out->cpu_realtime_runtime, err));
    TRY(field_number(cpu, &here, "realtimePeriod", 0, INT64_MAX, &out->cpu_realtime_period, err));
    TRY(field_number(cpu, &here, "idle", 0, 1, &out->cpu_idle, err));
    TRY(field_string(cpu, &here, "cpus", &out->cpuset_cpus, err));
    return field_string(cpu, &here, "mems", &out->cpuset_mems, err);
}

static int parse_device_numbers(json_object *json, const struct place *place, const char *key, const char *value_key,
                                struct spec_device_numbers *out, struct error *err)
{
    const char *const known[] = {"major", "minor", value_key, NULL};
    json_object *array;
    size_t count;
    struct place list = {place, key, 0};
    TRY(field_array(json, place, key, &array, &count, err));
    out->items = calloc(count + 1, sizeof *out->items);
    if (!out->items)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        int64_t major = 0, minor = 0, value = 0;
        TRY(field_check_keys(entry, &here, known, err));
        TRY(field_integer(entry, &here, "major", 0, UINT32_MAX, &major, err));
        TRY(field_integer(entry, &here, "minor", 0, UINT32_MAX, &minor, err));
        TRY(field_integer(entry, &here, value_key, 0, INT64_MAX, &value, err));
        out->items[out->count++] = (struct spec_device_number){(unsigned)major, (unsigned)minor, (uint64_t)value};
    }
    return 0;
}

static int parse_block_io(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"weight",
                                        "weightDevice",
                                        "throttleReadBpsDevice",
                                        "throttleWriteBpsDevice",
                                        "throttleReadIOPSDevice",
                                        "throttleWriteIOPSDevice",
                                        NULL};
    json_object *io;
    struct place here = {place, "blockIO", 0};
    TRY(field_object(json, place, "blockIO", &io, err));
    if (!io)
        return 0;
    TRY(field_check_keys(io, &here, known, err));
    TRY(field_number(io, &here, "weight", 0, 1000, &out->io_weight, err));
    TRY(parse_device_numbers(io, &here, "weightDevice", "weight", &out->io_weight_device, err));
    TRY(parse_device_numbers(io, &here, "throttleReadBpsDevice", "rate", &out->io_read_bps, err));
    TRY(parse_device_numbers(io, &here, "throttleWriteBpsDevice", "rate", &out->io_write_bps, err));
    TRY(parse_device_numbers(io, &here, "throttleReadIOPSDevice", "rate", &out->io_read_iops, err));
    return parse_device_numbers(io, &here, "throttleWriteIOPSDevice", "rate", &out->io_write_iops, err);
}

static int parse_hugepages(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"pageSize", "limit", NULL};
    json_object *array;
    size_t count;
    struct place list = {place, "hugepageLimits", 0};
    TRY(field_array(json, place, "hugepageLimits", &array, &count, err));
    out->hugepages = calloc(count + 1, sizeof *out->hugepages);
    if (!out->hugepages)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        int64_t limit = 0;
        struct spec_pair *pair = &out->hugepages[out->hugepage_count++];
        TRY(field_check_keys(entry, &here, known, err));
        TRY(field_string(entry, &here, "pageSize", &pair->name, err));
        TRY(field_integer(entry, &here, "limit", 0, INT64_MAX, &limit, err));
        if (!pair->name || !pair->name[0] || strchr(pair->name, '/'))
            return field_refuse(err, &here, "has no usable pageSize");
        if (asprintf(&pair->value, "%" PRId64, limit) < 0)
            return field_no_memory(err);
    }
    return 0;
}

int spec_resources_parse_at(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits", "unified", NULL};
    static const char *const known_pids[] = {"limit", NULL};
    TRY(field_check_keys(json, place, known, err));
    TRY(parse_device_rules(json, place, out, err));
    TRY(parse_memory(json, place, out, err));
    TRY(parse_cpu(json, place, out, err));
    TRY(parse_block_io(json, place, out, err));
    TRY(parse_hugepages(json, place, out, err));
    json_object *pids;
    struct place pids_place = {place, "pids", 0}, unified_place = {place, "unified", 0};
    TRY(field_object(json, place, "pids", &pids, err));
    if (pids)
        TRY(field_check_keys(pids, &pids_place, known_pids, err));
    if (pids)
        TRY(field_number(pids, &pids_place, "limit", -1, INT64_MAX, &out->pids_limit, err));
    TRY(field_pairs(json, place, "unified", &out->unified, &out->unified_count, err));
    for (size_t i = 0; i < out->unified_count; i++)
        if (strchr(out->unified[i].name, '/') || out->unified[i].name[0] == '.')
            return field_refuse(err, &unified_place, "names something that is not a file of the cgroup");
    return 0;
}

int spec_resources_parse(json_object *json, struct spec_resources *out, struct error *err)
{
    struct place place = {NULL, "resources", 0};
    return spec_resources_parse_at(json, &place, out, err);
}

void spec_resources_clear(struct spec_resources *resources)
{
    free(resources->cpuset_cpus);
    free(resources->cpuset_mems);
    free(resources->io_weight_device.items);
    free(resources->io_read_bps.items);
    free(resources->io_write_bps.items);
    free(resources->io_read_iops.items);
    free(resources->io_write_iops.items);
    free(resources->devices);
    pairs_free(resources->unified, resources->unified_count);
    pairs_free(resources->hugepages, resources->hugepage_count);
    memset(resources, 0, sizeof *resources);
}
