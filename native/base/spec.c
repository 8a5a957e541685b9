#include "spec.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CONFIG_MAX (16u << 20)

/* Where in the document we are, for messages: "process.rlimits[3]". */
struct place {
    const struct place *parent;
    const char *key;
    size_t index; /* used where key is NULL */
};

static size_t place_print(const struct place *place, char *out, size_t size)
{
    if (!place || size == 0)
        return 0;
    size_t used = place_print(place->parent, out, size);
    if (used >= size)
        return used;
    int more = place->key ? snprintf(out + used, size - used, "%s%s", used ? "." : "", place->key)
                          : snprintf(out + used, size - used, "[%zu]", place->index);
    return more < 0 ? used : used + (size_t)more;
}

static int refuse(struct error *err, const struct place *place, const char *what)
{
    char where[160] = "";
    place_print(place, where, sizeof where);
    return fail_kind(err, "invalid", 0, "config.json: %s %s", where[0] ? where : "the document", what);
}

static int out_of_memory(struct error *err)
{
    return fail(err, ENOMEM, "read config.json");
}

/* The member, or NULL where absent or null. */
static json_object *member(json_object *object, const char *key)
{
    json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static int check_object(json_object *json, const struct place *place, struct error *err)
{
    return json_object_is_type(json, json_type_object) ? 0 : refuse(err, place, "must be an object");
}

/* What is not in `known` and not empty is refused by its name. */
static int check_keys(json_object *object, const struct place *place, const char *const *known, struct error *err)
{
    json_object_object_foreach(object, key, value)
    {
        bool found = false;
        for (const char *const *name = known; *name && !found; name++)
            found = strcmp(*name, key) == 0;
        if (found || !value)
            continue;
        bool empty = (json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0) ||
                     (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0) ||
                     (json_object_is_type(value, json_type_object) && json_object_object_length(value) == 0);
        struct place here = {place, key, 0};
        if (!empty)
            return refuse(err, &here, "is not supported by this runtime, and is refused rather than ignored");
    }
    return 0;
}

static int take_string(json_object *value, const struct place *place, char **out, struct error *err)
{
    if (!json_object_is_type(value, json_type_string))
        return refuse(err, place, "must be a string");
    const char *text = json_object_get_string(value);
    if (strlen(text) != (size_t)json_object_get_string_len(value))
        return refuse(err, place, "holds a NUL character");
    *out = strdup(text);
    return *out ? 0 : out_of_memory(err);
}

/* Leaves *out as it is where the key is absent. */
static int get_string(json_object *object, const struct place *place, const char *key, char **out, struct error *err)
{
    json_object *value = member(object, key);
    struct place here = {place, key, 0};
    return value ? take_string(value, &here, out, err) : 0;
}

static int get_bool(json_object *object, const struct place *place, const char *key, bool *out, struct error *err)
{
    json_object *value = member(object, key);
    struct place here = {place, key, 0};
    if (!value)
        return 0;
    if (!json_object_is_type(value, json_type_boolean))
        return refuse(err, &here, "must be true or false");
    *out = json_object_get_boolean(value);
    return 0;
}

/* json-c clamps what does not fit in 64 bits, so an integer at either end of the range is what was written or worse. */
static int take_integer(json_object *value, const struct place *place, int64_t low, int64_t high, int64_t *out, struct error *err)
{
    if (!json_object_is_type(value, json_type_int))
        return refuse(err, place, "must be an integer");
    int64_t number = json_object_get_int64(value);
    if (number < low || number > high || (number == INT64_MAX && json_object_get_uint64(value) > INT64_MAX)) {
        char range[96];
        snprintf(range, sizeof range, "must be between %" PRId64 " and %" PRId64, low, high);
        return refuse(err, place, range);
    }
    *out = number;
    return 0;
}

static int get_integer(json_object *object, const struct place *place, const char *key, int64_t low, int64_t high, int64_t *out,
                       struct error *err)
{
    json_object *value = member(object, key);
    struct place here = {place, key, 0};
    return value ? take_integer(value, &here, low, high, out, err) : 0;
}

static int get_number(json_object *object, const struct place *place, const char *key, int64_t low, int64_t high,
                      struct spec_number *out, struct error *err)
{
    if (!member(object, key))
        return 0;
    TRY(get_integer(object, place, key, low, high, &out->value, err));
    out->set = true;
    return 0;
}

static int get_id(json_object *object, const struct place *place, const char *key, uint32_t *out, struct error *err)
{
    int64_t number = *out;
    TRY(get_integer(object, place, key, 0, (int64_t)UINT32_MAX - 1, &number, err)); /* 4294967295 means "leave" to the kernel */
    *out = (uint32_t)number;
    return 0;
}

/* The array, or NULL where absent; *count is its length. */
static int get_array(json_object *object, const struct place *place, const char *key, json_object **array, size_t *count,
                     struct error *err)
{
    struct place here = {place, key, 0};
    *array = member(object, key);
    *count = 0;
    if (!*array)
        return 0;
    if (!json_object_is_type(*array, json_type_array))
        return refuse(err, &here, "must be a list");
    *count = json_object_array_length(*array);
    return *count > 65536 ? refuse(err, &here, "is too long") : 0;
}

static int get_object(json_object *object, const struct place *place, const char *key, json_object **out, struct error *err)
{
    struct place here = {place, key, 0};
    *out = member(object, key);
    return *out ? check_object(*out, &here, err) : 0;
}

static int get_strings(json_object *object, const struct place *place, const char *key, char ***out, struct error *err)
{
    json_object *array;
    size_t count;
    struct place list = {place, key, 0};
    TRY(get_array(object, place, key, &array, &count, err));
    *out = calloc(count + 1, sizeof **out);
    if (!*out)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        TRY(take_string(json_object_array_get_idx(array, i), &here, &(*out)[i], err));
    }
    return 0;
}

static int get_pairs(json_object *object, const struct place *place, const char *key, struct spec_pair **out, size_t *count,
                     struct error *err)
{
    json_object *map;
    struct place here = {place, key, 0};
    TRY(get_object(object, place, key, &map, err));
    if (!map || json_object_object_length(map) == 0)
        return 0;
    *out = calloc((size_t)json_object_object_length(map), sizeof **out);
    if (!*out)
        return out_of_memory(err);
    json_object_object_foreach(map, name, value)
    {
        struct place entry = {&here, name, 0};
        struct spec_pair *pair = &(*out)[*count];
        *count += 1;
        pair->name = strdup(name);
        if (!pair->name)
            return out_of_memory(err);
        TRY(take_string(value, &entry, &pair->value, err));
    }
    return 0;
}

static void free_strings(char **strings)
{
    for (char **text = strings; text && *text; text++)
        free(*text);
    free(strings);
}

static void free_pairs(struct spec_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].name);
        free(pairs[i].value);
    }
    free(pairs);
}

/* ---- process ---- */

static const char *const capability_names[] = {
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
    "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
    "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

const char *spec_capability_name(int number)
{
    return number >= 0 && number < (int)(sizeof capability_names / sizeof *capability_names) ? capability_names[number] : NULL;
}

static int get_caps(json_object *object, const struct place *place, const char *key, uint64_t *out, struct error *err)
{
    json_object *array;
    size_t count;
    struct place list = {place, key, 0};
    TRY(get_array(object, place, key, &array, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        const char *name = json_object_get_string(json_object_array_get_idx(array, i));
        int number = 0;
        while (spec_capability_name(number) && (!name || strcmp(name, spec_capability_name(number)) != 0))
            number++;
        if (!spec_capability_name(number))
            return refuse(err, &here, "is not the name of a capability");
        *out |= UINT64_C(1) << number;
    }
    return 0;
}

static const struct {
    const char *name;
    int resource;
} rlimit_names[] = {
    {"RLIMIT_AS", RLIMIT_AS}, {"RLIMIT_CORE", RLIMIT_CORE}, {"RLIMIT_CPU", RLIMIT_CPU}, {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE}, {"RLIMIT_LOCKS", RLIMIT_LOCKS}, {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE}, {"RLIMIT_NOFILE", RLIMIT_NOFILE}, {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS}, {"RLIMIT_RTPRIO", RLIMIT_RTPRIO}, {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING}, {"RLIMIT_STACK", RLIMIT_STACK},
};

static int get_rlimit_value(json_object *object, const struct place *place, const char *key, rlim_t *out, struct error *err)
{
    json_object *value = member(object, key);
    struct place here = {place, key, 0};
    if (!json_object_is_type(value, json_type_int))
        return refuse(err, &here, "must be an integer");
    /* -1 is how some write "unlimited". */
    int64_t number = json_object_get_int64(value);
    if (number < -1)
        return refuse(err, &here, "must not be negative");
    *out = number == -1 ? RLIM_INFINITY : (rlim_t)json_object_get_uint64(value);
    return 0;
}

static int parse_rlimits(json_object *json, const struct place *place, struct spec_process *process, struct error *err)
{
    json_object *array;
    size_t count;
    struct place list = {place, "rlimits", 0};
    TRY(get_array(json, place, "rlimits", &array, &count, err));
    process->rlimits = calloc(count + 1, sizeof *process->rlimits);
    if (!process->rlimits)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        struct spec_rlimit *limit = &process->rlimits[i];
        TRY(check_object(entry, &here, err));
        const char *name = json_object_get_string(member(entry, "type"));
        limit->resource = -1;
        for (size_t n = 0; name && n < sizeof rlimit_names / sizeof *rlimit_names; n++)
            if (strcmp(name, rlimit_names[n].name) == 0)
                limit->resource = rlimit_names[n].resource;
        if (limit->resource < 0)
            return refuse(err, &here, "names no resource limit");
        for (size_t n = 0; n < i; n++)
            if (process->rlimits[n].resource == limit->resource)
                return refuse(err, &here, "is given twice");
        TRY(get_rlimit_value(entry, &here, "soft", &limit->soft, err));
        TRY(get_rlimit_value(entry, &here, "hard", &limit->hard, err));
        process->rlimit_count++;
    }
    return 0;
}

static int parse_user(json_object *json, const struct place *place, struct spec_process *process, struct error *err)
{
    static const char *const known[] = {"uid", "gid", "umask", "additionalGids", "username", NULL};
    json_object *user, *array;
    struct place here = {place, "user", 0}, list = {&here, "additionalGids", 0};
    size_t count;
    process->umask = -1;
    TRY(get_object(json, place, "user", &user, err));
    if (!user)
        return 0;
    TRY(check_keys(user, &here, known, err));
    TRY(get_id(user, &here, "uid", &process->uid, err));
    TRY(get_id(user, &here, "gid", &process->gid, err));
    int64_t umask = -1;
    TRY(get_integer(user, &here, "umask", 0, 0777, &umask, err));
    process->umask = (int)umask;
    TRY(get_array(user, &here, "additionalGids", &array, &count, err));
    process->groups = calloc(count + 1, sizeof *process->groups);
    if (!process->groups)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place entry = {&list, NULL, i};
        int64_t gid;
        TRY(take_integer(json_object_array_get_idx(array, i), &entry, 0, (int64_t)UINT32_MAX - 1, &gid, err));
        process->groups[process->group_count++] = (gid_t)gid;
    }
    return 0;
}

static int parse_process(json_object *json, const struct place *place, struct spec_process *process, struct error *err)
{
    static const char *const known[] = {"terminal", "consoleSize", "user", "args", "env", "cwd", "capabilities", "rlimits",
                                        "noNewPrivileges", "oomScoreAdj", NULL};
    static const char *const known_caps[] = {"bounding", "effective", "inheritable", "permitted", "ambient", NULL};
    TRY(check_object(json, place, err));
    /* apparmorProfile, selinuxLabel, scheduler, ioPriority and whatever comes later are refused here unless empty. */
    TRY(check_keys(json, place, known, err));
    TRY(get_bool(json, place, "terminal", &process->terminal, err));
    TRY(get_bool(json, place, "noNewPrivileges", &process->no_new_privileges, err));

    json_object *size;
    struct place size_place = {place, "consoleSize", 0};
    int64_t rows = 0, cols = 0, score = 0;
    TRY(get_object(json, place, "consoleSize", &size, err));
    if (size) {
        TRY(get_integer(size, &size_place, "height", 0, USHRT_MAX, &rows, err));
        TRY(get_integer(size, &size_place, "width", 0, USHRT_MAX, &cols, err));
    }
    process->rows = (unsigned short)rows;
    process->cols = (unsigned short)cols;

    TRY(parse_user(json, place, process, err));
    TRY(get_strings(json, place, "args", &process->args, err));
    TRY(get_strings(json, place, "env", &process->env, err));
    TRY(get_string(json, place, "cwd", &process->cwd, err));
    struct place cwd_place = {place, "cwd", 0};
    if (!process->cwd || process->cwd[0] != '/')
        return refuse(err, &cwd_place, "must be an absolute path");

    json_object *caps;
    struct place caps_place = {place, "capabilities", 0};
    TRY(get_object(json, place, "capabilities", &caps, err));
    if (caps) {
        TRY(check_keys(caps, &caps_place, known_caps, err));
        TRY(get_caps(caps, &caps_place, "bounding", &process->caps.bounding, err));
        TRY(get_caps(caps, &caps_place, "effective", &process->caps.effective, err));
        TRY(get_caps(caps, &caps_place, "inheritable", &process->caps.inheritable, err));
        TRY(get_caps(caps, &caps_place, "permitted", &process->caps.permitted, err));
        TRY(get_caps(caps, &caps_place, "ambient", &process->caps.ambient, err));
    }
    TRY(parse_rlimits(json, place, process, err));
    process->has_oom_score_adj = member(json, "oomScoreAdj") != NULL;
    TRY(get_integer(json, place, "oomScoreAdj", -1000, 1000, &score, err));
    process->oom_score_adj = (int)score;
    return 0;
}

int spec_process_parse(json_object *json, struct spec_process **out, struct error *err)
{
    cleanup_spec_process struct spec_process *process = calloc(1, sizeof *process);
    struct place place = {NULL, "process", 0};
    *out = NULL;
    if (!process)
        return out_of_memory(err);
    TRY(parse_process(json, &place, process, err));
    *out = process;
    process = NULL;
    return 0;
}

void spec_process_free(struct spec_process *process)
{
    if (!process)
        return;
    free(process->cwd);
    free_strings(process->args);
    free_strings(process->env);
    free(process->groups);
    free(process->rlimits);
    free(process);
}

const char *spec_process_getenv(const struct spec_process *process, const char *name)
{
    size_t length = strlen(name);
    for (char **entry = process->env; entry && *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

int spec_process_setenv(struct spec_process *process, const char *name, const char *value, bool replace, struct error *err)
{
    size_t length = strlen(name), count = 0;
    char *entry;
    if (!replace && spec_process_getenv(process, name))
        return 0;
    if (asprintf(&entry, "%s=%s", name, value) < 0)
        return out_of_memory(err);
    for (; process->env && process->env[count]; count++)
        if (strncmp(process->env[count], name, length) == 0 && process->env[count][length] == '=') {
            free(process->env[count]);
            process->env[count] = entry;
            return 0;
        }
    char **grown = realloc(process->env, (count + 2) * sizeof *grown);
    if (!grown) {
        free(entry);
        return out_of_memory(err);
    }
    grown[count] = entry;
    grown[count + 1] = NULL;
    process->env = grown;
    return 0;
}

/* ---- linux.resources ---- */

static int parse_device_rules(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"allow", "type", "major", "minor", "access", NULL};
    json_object *array;
    size_t count;
    struct place list = {place, "devices", 0};
    TRY(get_array(json, place, "devices", &array, &count, err));
    out->devices = calloc(count + 1, sizeof *out->devices);
    if (!out->devices)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        struct spec_device_rule *rule = &out->devices[i];
        TRY(check_object(entry, &here, err));
        TRY(check_keys(entry, &here, known, err));
        rule->type = 'a';
        rule->major = rule->minor = -1;
        TRY(get_bool(entry, &here, "allow", &rule->allow, err));
        TRY(get_integer(entry, &here, "major", -1, UINT32_MAX, &rule->major, err));
        TRY(get_integer(entry, &here, "minor", -1, UINT32_MAX, &rule->minor, err));
        const char *type = json_object_get_string(member(entry, "type"));
        if (type && type[0]) {
            if (strlen(type) != 1 || !strchr("acbu", type[0]))
                return refuse(err, &here, "has a type that is none of a, c, b");
            rule->type = type[0] == 'u' ? 'c' : type[0];
        }
        const char *access = json_object_get_string(member(entry, "access"));
        for (const char *letter = access && access[0] ? access : "rwm"; *letter; letter++) {
            unsigned bit = *letter == 'r' ? SPEC_ACCESS_READ : *letter == 'w' ? SPEC_ACCESS_WRITE : *letter == 'm' ? SPEC_ACCESS_MKNOD : 0;
            if (bit == 0)
                return refuse(err, &here, "has an access that is not made of r, w, m");
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
    TRY(get_object(json, place, "memory", &memory, err));
    if (!memory)
        return 0;
    TRY(check_keys(memory, &here, known, err));
    TRY(get_number(memory, &here, "limit", -1, INT64_MAX, &out->memory_limit, err));
    TRY(get_number(memory, &here, "reservation", -1, INT64_MAX, &out->memory_reservation, err));
    TRY(get_number(memory, &here, "swap", -1, INT64_MAX, &out->memory_swap, err));
    TRY(get_number(memory, &here, "swappiness", 0, 200, &out->memory_swappiness, err));
    /* Limits on the kernel's own memory went away with Linux 5.16; "unlimited" may still be written. */
    int64_t kernel = -1, kernel_tcp = -1;
    TRY(get_integer(memory, &here, "kernel", -1, INT64_MAX, &kernel, err));
    TRY(get_integer(memory, &here, "kernelTCP", -1, INT64_MAX, &kernel_tcp, err));
    if (kernel > 0 || kernel_tcp > 0)
        return refuse(err, &here, "limits kernel memory, which Linux no longer can");
    bool disable = false;
    TRY(get_bool(memory, &here, "disableOOMKiller", &disable, err));
    out->memory_disable_oom_killer = (struct spec_number){disable, 1};
    return 0;
}

static int parse_cpu(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"shares", "quota", "burst", "period", "realtimeRuntime", "realtimePeriod", "cpus", "mems", "idle", NULL};
    json_object *cpu;
    struct place here = {place, "cpu", 0};
    TRY(get_object(json, place, "cpu", &cpu, err));
    if (!cpu)
        return 0;
    TRY(check_keys(cpu, &here, known, err));
    TRY(get_number(cpu, &here, "shares", 0, 1 << 20, &out->cpu_shares, err));
    TRY(get_number(cpu, &here, "quota", -1, INT64_MAX, &out->cpu_quota, err));
    TRY(get_number(cpu, &here, "burst", 0, INT64_MAX, &out->cpu_burst, err));
    TRY(get_number(cpu, &here, "period", 0, INT64_MAX, &out->cpu_period, err));
    TRY(get_number(cpu, &here, "realtimeRuntime", -1, INT64_MAX, &out->cpu_realtime_runtime, err));
    TRY(get_number(cpu, &here, "realtimePeriod", 0, INT64_MAX, &out->cpu_realtime_period, err));
    TRY(get_number(cpu, &here, "idle", 0, 1, &out->cpu_idle, err));
    TRY(get_string(cpu, &here, "cpus", &out->cpuset_cpus, err));
    return get_string(cpu, &here, "mems", &out->cpuset_mems, err);
}

static int parse_device_numbers(json_object *json, const struct place *place, const char *key, const char *value_key,
                                struct spec_device_numbers *out, struct error *err)
{
    json_object *array;
    size_t count;
    struct place list = {place, key, 0};
    TRY(get_array(json, place, key, &array, &count, err));
    out->items = calloc(count + 1, sizeof *out->items);
    if (!out->items)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        int64_t major = 0, minor = 0, value = 0;
        TRY(check_object(entry, &here, err));
        TRY(get_integer(entry, &here, "major", 0, UINT32_MAX, &major, err));
        TRY(get_integer(entry, &here, "minor", 0, UINT32_MAX, &minor, err));
        TRY(get_integer(entry, &here, value_key, 0, INT64_MAX, &value, err));
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
    TRY(get_object(json, place, "blockIO", &io, err));
    if (!io)
        return 0;
    TRY(check_keys(io, &here, known, err));
    TRY(get_number(io, &here, "weight", 0, 1000, &out->io_weight, err));
    TRY(parse_device_numbers(io, &here, "weightDevice", "weight", &out->io_weight_device, err));
    TRY(parse_device_numbers(io, &here, "throttleReadBpsDevice", "rate", &out->io_read_bps, err));
    TRY(parse_device_numbers(io, &here, "throttleWriteBpsDevice", "rate", &out->io_write_bps, err));
    TRY(parse_device_numbers(io, &here, "throttleReadIOPSDevice", "rate", &out->io_read_iops, err));
    return parse_device_numbers(io, &here, "throttleWriteIOPSDevice", "rate", &out->io_write_iops, err);
}

static int parse_hugepages(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    json_object *array;
    size_t count;
    struct place list = {place, "hugepageLimits", 0};
    TRY(get_array(json, place, "hugepageLimits", &array, &count, err));
    out->hugepages = calloc(count + 1, sizeof *out->hugepages);
    if (!out->hugepages)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        int64_t limit = 0;
        struct spec_pair *pair = &out->hugepages[out->hugepage_count++];
        TRY(check_object(entry, &here, err));
        TRY(get_string(entry, &here, "pageSize", &pair->name, err));
        TRY(get_integer(entry, &here, "limit", 0, INT64_MAX, &limit, err));
        if (!pair->name || !pair->name[0] || strchr(pair->name, '/'))
            return refuse(err, &here, "has no usable pageSize");
        if (asprintf(&pair->value, "%" PRId64, limit) < 0)
            return out_of_memory(err);
    }
    return 0;
}

static int parse_resources(json_object *json, const struct place *place, struct spec_resources *out, struct error *err)
{
    static const char *const known[] = {"devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits", "unified", NULL};
    TRY(check_object(json, place, err));
    TRY(check_keys(json, place, known, err));
    TRY(parse_device_rules(json, place, out, err));
    TRY(parse_memory(json, place, out, err));
    TRY(parse_cpu(json, place, out, err));
    TRY(parse_block_io(json, place, out, err));
    TRY(parse_hugepages(json, place, out, err));
    json_object *pids;
    struct place pids_place = {place, "pids", 0}, unified_place = {place, "unified", 0};
    TRY(get_object(json, place, "pids", &pids, err));
    if (pids)
        TRY(get_number(pids, &pids_place, "limit", -1, INT64_MAX, &out->pids_limit, err));
    TRY(get_pairs(json, place, "unified", &out->unified, &out->unified_count, err));
    for (size_t i = 0; i < out->unified_count; i++)
        if (strchr(out->unified[i].name, '/') || out->unified[i].name[0] == '.')
            return refuse(err, &unified_place, "names something that is not a file of the cgroup");
    return 0;
}

int spec_resources_parse(json_object *json, struct spec_resources *out, struct error *err)
{
    struct place place = {NULL, "resources", 0};
    return parse_resources(json, &place, out, err);
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
    free_pairs(resources->unified, resources->unified_count);
    free_pairs(resources->hugepages, resources->hugepage_count);
    memset(resources, 0, sizeof *resources);
}

/* ---- the rest of linux, mounts, root ---- */

static int parse_idmaps(json_object *json, const struct place *place, const char *key, struct spec_idmap **out, size_t *out_count,
                        struct error *err)
{
    json_object *array;
    size_t count;
    struct place list = {place, key, 0};
    TRY(get_array(json, place, key, &array, &count, err));
    if (count > 340)
        return refuse(err, &list, "has more than the 340 lines that the kernel takes");
    *out = calloc(count + 1, sizeof **out);
    if (!*out)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        int64_t inside = -1, outside = -1, length = -1;
        TRY(check_object(entry, &here, err));
        TRY(get_integer(entry, &here, "containerID", 0, UINT32_MAX, &inside, err));
        TRY(get_integer(entry, &here, "hostID", 0, UINT32_MAX, &outside, err));
        TRY(get_integer(entry, &here, "size", 1, UINT32_MAX, &length, err));
        if (inside < 0 || outside < 0 || length < 0)
            return refuse(err, &here, "needs containerID, hostID and size");
        (*out)[(*out_count)++] = (struct spec_idmap){(uint32_t)inside, (uint32_t)outside, (uint32_t)length};
    }
    return 0;
}

static int parse_mounts(json_object *json, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"destination", "type", "source", "options", "uidMappings", "gidMappings", NULL};
    json_object *array;
    size_t count;
    struct place list = {NULL, "mounts", 0};
    TRY(get_array(json, NULL, "mounts", &array, &count, err));
    spec->mounts = calloc(count + 1, sizeof *spec->mounts);
    if (!spec->mounts)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i}, destination = {&here, "destination", 0};
        json_object *entry = json_object_array_get_idx(array, i);
        struct spec_mount *mount = &spec->mounts[i];
        spec->mount_count++;
        TRY(check_object(entry, &here, err));
        TRY(check_keys(entry, &here, known, err));
        TRY(get_string(entry, &here, "destination", &mount->destination, err));
        TRY(get_string(entry, &here, "type", &mount->type, err));
        TRY(get_string(entry, &here, "source", &mount->source, err));
        TRY(get_strings(entry, &here, "options", &mount->options, err));
        TRY(parse_idmaps(entry, &here, "uidMappings", &mount->uid_map, &mount->uid_map_count, err));
        TRY(parse_idmaps(entry, &here, "gidMappings", &mount->gid_map, &mount->gid_map_count, err));
        if (!mount->destination || mount->destination[0] != '/')
            return refuse(err, &destination, "must be an absolute path");
        if ((!mount->type && !(mount->type = strdup(""))) || (!mount->source && !(mount->source = strdup(""))))
            return out_of_memory(err);
    }
    return 0;
}

static int parse_namespaces(json_object *json, const struct place *place, struct spec *spec, struct error *err)
{
    static const char *const names[SPEC_NS_KINDS] = {"user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time"};
    json_object *array;
    size_t count;
    struct place list = {place, "namespaces", 0};
    TRY(get_array(json, place, "namespaces", &array, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        TRY(check_object(entry, &here, err));
        const char *type = json_object_get_string(member(entry, "type"));
        int kind = 0;
        while (kind < SPEC_NS_KINDS && (!type || strcmp(type, names[kind]) != 0))
            kind++;
        if (kind == SPEC_NS_KINDS)
            return refuse(err, &here, "has a type that is no kind of namespace");
        if (spec->namespaces[kind].wanted)
            return refuse(err, &here, "is given twice");
        spec->namespaces[kind].wanted = true;
        TRY(get_string(entry, &here, "path", &spec->namespaces[kind].path, err));
        if (spec->namespaces[kind].path && !spec->namespaces[kind].path[0]) {
            free(spec->namespaces[kind].path);
            spec->namespaces[kind].path = NULL;
        }
    }
    return 0;
}

static int parse_devices(json_object *json, const struct place *place, struct spec *spec, struct error *err)
{
    json_object *array;
    size_t count;
    struct place list = {place, "devices", 0};
    TRY(get_array(json, place, "devices", &array, &count, err));
    spec->devices = calloc(count + 1, sizeof *spec->devices);
    if (!spec->devices)
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        struct spec_device *device = &spec->devices[i];
        int64_t major = 0, minor = 0, mode = 0666;
        spec->device_count++;
        TRY(check_object(entry, &here, err));
        TRY(get_string(entry, &here, "path", &device->path, err));
        TRY(get_integer(entry, &here, "major", 0, UINT32_MAX, &major, err));
        TRY(get_integer(entry, &here, "minor", 0, UINT32_MAX, &minor, err));
        TRY(get_integer(entry, &here, "fileMode", 0, 0777 | S_IFMT, &mode, err));
        TRY(get_id(entry, &here, "uid", &device->uid, err));
        TRY(get_id(entry, &here, "gid", &device->gid, err));
        const char *type = json_object_get_string(member(entry, "type"));
        if (!device->path || device->path[0] != '/')
            return refuse(err, &here, "needs an absolute path");
        if (!type || strlen(type) != 1 || !strchr("cubp", type[0]))
            return refuse(err, &here, "has a type that is none of c, u, b, p");
        device->type = type[0] == 'u' ? 'c' : type[0];
        device->major = (unsigned)major;
        device->minor = (unsigned)minor;
        device->mode = (mode_t)mode & 0777;
    }
    return 0;
}

static int parse_propagation(json_object *json, const struct place *place, struct spec *spec, struct error *err)
{
    static const struct {
        const char *name;
        unsigned long flags;
    } known[] = {
        {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},       {"slave", MS_SLAVE},   {"rslave", MS_SLAVE | MS_REC},
        {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},         {"unbindable", MS_UNBINDABLE},
        {"runbindable", MS_UNBINDABLE | MS_REC},
    };
    struct place here = {place, "rootfsPropagation", 0};
    const char *text = json_object_get_string(member(json, "rootfsPropagation"));
    if (!text || !text[0])
        return 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].name) == 0)
            spec->rootfs_propagation = known[i].flags;
    return spec->rootfs_propagation ? 0 : refuse(err, &here, "is no kind of mount propagation");
}

static int parse_linux(json_object *json, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"namespaces", "uidMappings", "gidMappings",       "devices",     "cgroupsPath",   "resources",
                                        "seccomp",    "sysctl",      "rootfsPropagation", "maskedPaths", "readonlyPaths", NULL};
    json_object *linux_, *resources;
    struct place here = {NULL, "linux", 0}, resources_place = {&here, "resources", 0};
    TRY(get_object(json, NULL, "linux", &linux_, err));
    if (!linux_)
        return fail_kind(err, "invalid", 0, "config.json: has no linux section");
    /* mountLabel, intelRdt, personality, timeOffsets, netDevices, memoryPolicy… are refused here unless empty. */
    TRY(check_keys(linux_, &here, known, err));
    TRY(parse_namespaces(linux_, &here, spec, err));
    TRY(parse_idmaps(linux_, &here, "uidMappings", &spec->uid_map, &spec->uid_map_count, err));
    TRY(parse_idmaps(linux_, &here, "gidMappings", &spec->gid_map, &spec->gid_map_count, err));
    TRY(parse_devices(linux_, &here, spec, err));
    TRY(get_string(linux_, &here, "cgroupsPath", &spec->cgroups_path, err));
    if (spec->cgroups_path && !spec->cgroups_path[0]) {
        free(spec->cgroups_path);
        spec->cgroups_path = NULL;
    }
    TRY(get_object(linux_, &here, "resources", &resources, err));
    if (resources)
        TRY(parse_resources(resources, &resources_place, &spec->resources, err));
    TRY(get_pairs(linux_, &here, "sysctl", &spec->sysctl, &spec->sysctl_count, err));
    TRY(get_strings(linux_, &here, "maskedPaths", &spec->masked_paths, err));
    TRY(get_strings(linux_, &here, "readonlyPaths", &spec->readonly_paths, err));
    TRY(parse_propagation(linux_, &here, spec, err));
    return get_object(linux_, &here, "seccomp", &spec->seccomp, err);
}

static int parse_root(json_object *json, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"path", "readonly", NULL};
    json_object *root;
    struct place here = {NULL, "root", 0}, path_place = {&here, "path", 0};
    cleanup_free char *path = NULL;
    TRY(get_object(json, NULL, "root", &root, err));
    if (!root)
        return refuse(err, &here, "is missing");
    TRY(check_keys(root, &here, known, err));
    TRY(get_bool(root, &here, "readonly", &spec->rootfs_readonly, err));
    TRY(get_string(root, &here, "path", &path, err));
    if (!path || !path[0])
        return refuse(err, &path_place, "is missing");
    int length = path[0] == '/' ? asprintf(&spec->rootfs, "%s", path) : asprintf(&spec->rootfs, "%s/%s", spec->bundle, path);
    return length < 0 ? out_of_memory(err) : 0;
}

static int parse_hooks(json_object *json, struct spec *spec, struct error *err)
{
    /* The other two run inside the container, before its program: nothing that an engine needs, and much that an attacker likes. */
    static const char *const known[] = {"prestart", "createRuntime", "poststart", "poststop", NULL};
    struct place here = {NULL, "hooks", 0};
    TRY(get_object(json, NULL, "hooks", &spec->hooks, err));
    return spec->hooks ? check_keys(spec->hooks, &here, known, err) : 0;
}

static int parse_annotations(json_object *json, struct spec *spec, struct error *err)
{
    struct place here = {NULL, "annotations", 0};
    TRY(get_object(json, NULL, "annotations", &spec->annotations, err));
    if (!spec->annotations)
        return 0;
    json_object_object_foreach(spec->annotations, key, value)
    {
        struct place entry = {&here, key, 0};
        if (!json_object_is_type(value, json_type_string))
            return refuse(err, &entry, "must be a string");
    }
    return 0;
}

static int parse_spec(json_object *json, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"ociVersion", "process", "root", "hostname", "domainname", "mounts", "hooks", "annotations", "linux", NULL};
    struct place version = {NULL, "ociVersion", 0};
    TRY(check_object(json, NULL, err));
    TRY(check_keys(json, NULL, known, err));
    const char *text = json_object_get_string(member(json, "ociVersion"));
    if (!text || strncmp(text, "1.", 2) != 0)
        return refuse(err, &version, "must be 1.x");
    TRY(parse_root(json, spec, err));
    TRY(get_string(json, NULL, "hostname", &spec->hostname, err));
    TRY(get_string(json, NULL, "domainname", &spec->domainname, err));
    TRY(parse_mounts(json, spec, err));
    TRY(parse_hooks(json, spec, err));
    TRY(parse_annotations(json, spec, err));
    TRY(parse_linux(json, spec, err));
    return member(json, "process") ? spec_process_parse(member(json, "process"), &spec->process, err) : 0;
}

static int read_config(const char *bundle, json_object **out, struct error *err)
{
    cleanup_close int directory = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return fail_kind(err, errno == ENOENT ? "not-found" : "", errno, "open bundle %s", bundle);
    cleanup_close int file = openat(directory, "config.json", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    if (file < 0 || fstat(file, &info) < 0)
        return fail_kind(err, errno == ENOENT ? "not-found" : "", errno, "open %s/config.json", bundle);
    if (!S_ISREG(info.st_mode) || info.st_size > CONFIG_MAX)
        return fail_kind(err, "invalid", 0, "%s/config.json is not a regular file of at most 16 MiB", bundle);
    cleanup_free char *text = malloc((size_t)info.st_size + 1);
    if (!text)
        return out_of_memory(err);
    size_t length = 0;
    ssize_t got = 1;
    while (length < (size_t)info.st_size && (got = read(file, text + length, (size_t)info.st_size - length)) > 0)
        length += (size_t)got;
    if (got < 0)
        return fail(err, errno, "read %s/config.json", bundle);
    text[length] = '\0';
    json_tokener *tokener = json_tokener_new_ex(64);
    if (!tokener)
        return out_of_memory(err);
    *out = json_tokener_parse_ex(tokener, text, (int)length + 1);
    enum json_tokener_error problem = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    while (end < length && strchr(" \t\r\n", text[end]))
        end++;
    if (problem != json_tokener_success || end < length)
        return fail_kind(err, "invalid", 0, "%s/config.json is not JSON: %s at byte %zu", bundle,
                         problem == json_tokener_success ? "more text after the end" : json_tokener_error_desc(problem), end);
    return 0;
}

int spec_load(const char *bundle, struct spec **out, struct error *err)
{
    cleanup_spec struct spec *spec = calloc(1, sizeof *spec);
    *out = NULL;
    if (!spec)
        return out_of_memory(err);
    spec->bundle = realpath(bundle, NULL);
    if (!spec->bundle) {
        fail_kind(err, errno == ENOENT ? "not-found" : "", errno, "open bundle %s", bundle);
        return in_step(err, "spec");
    }
    if (read_config(spec->bundle, &spec->raw, err) < 0 || parse_spec(spec->raw, spec, err) < 0)
        return in_step(err, "spec");
    *out = spec;
    spec = NULL;
    return 0;
}

void spec_free(struct spec *spec)
{
    if (!spec)
        return;
    free(spec->bundle);
    free(spec->rootfs);
    spec_process_free(spec->process);
    free(spec->hostname);
    free(spec->domainname);
    for (size_t i = 0; i < spec->mount_count; i++) {
        free(spec->mounts[i].destination);
        free(spec->mounts[i].type);
        free(spec->mounts[i].source);
        free_strings(spec->mounts[i].options);
        free(spec->mounts[i].uid_map);
        free(spec->mounts[i].gid_map);
    }
    free(spec->mounts);
    for (int kind = 0; kind < SPEC_NS_KINDS; kind++)
        free(spec->namespaces[kind].path);
    free(spec->uid_map);
    free(spec->gid_map);
    for (size_t i = 0; i < spec->device_count; i++)
        free(spec->devices[i].path);
    free(spec->devices);
    free(spec->cgroups_path);
    spec_resources_clear(&spec->resources);
    free_pairs(spec->sysctl, spec->sysctl_count);
    free_strings(spec->masked_paths);
    free_strings(spec->readonly_paths);
    json_object_put(spec->raw);
    free(spec);
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
    return spec->annotations ? json_object_get_string(member(spec->annotations, key)) : NULL;
}
