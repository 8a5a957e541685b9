/* base/spec-process.c: the process section of config.json, and an exec's. */
#include "cleanup.h"
#include "fields.h"

#include <limits.h>
#include <string.h>

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
    TRY(field_array(object, place, key, &array, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        const char *name = json_object_get_string(json_object_array_get_idx(array, i));
        int number = 0;
        while (spec_capability_name(number) && (!name || strcmp(name, spec_capability_name(number)) != 0))
            number++;
        if (!spec_capability_name(number))
            return field_refuse(err, &here, "is not the name of a capability");
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
    json_object *value = field_member(object, key);
    struct place here = {place, key, 0};
    if (!json_object_is_type(value, json_type_int))
        return field_refuse(err, &here, "must be an integer");
    /* -1 is how some write "unlimited". */
    int64_t number = json_object_get_int64(value);
    if (number < -1)
        return field_refuse(err, &here, "must not be negative");
    *out = number == -1 ? RLIM_INFINITY : (rlim_t)json_object_get_uint64(value);
    return 0;
}

static int parse_rlimits(json_object *json, const struct place *place, struct spec_process *process, struct error *err)
{
    static const char *const known[] = {"type", "soft", "hard", NULL};
    json_object *array;
    size_t count;
    struct place list = {place, "rlimits", 0};
    TRY(field_array(json, place, "rlimits", &array, &count, err));
    process->rlimits = calloc(count + 1, sizeof *process->rlimits);
    if (!process->rlimits)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        struct spec_rlimit *limit = &process->rlimits[i];
        TRY(field_check_keys(entry, &here, known, err));
        const char *name = json_object_get_string(field_member(entry, "type"));
        limit->resource = -1;
        for (size_t n = 0; name && n < sizeof rlimit_names / sizeof *rlimit_names; n++)
            if (strcmp(name, rlimit_names[n].name) == 0)
                limit->resource = rlimit_names[n].resource;
        if (limit->resource < 0)
            return field_refuse(err, &here, "names no resource limit");
        for (size_t n = 0; n < i; n++)
            if (process->rlimits[n].resource == limit->resource)
                return field_refuse(err, &here, "is given twice");
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
    TRY(field_object(json, place, "user", &user, err));
    if (!user)
        return 0;
    TRY(field_check_keys(user, &here, known, err));
    TRY(field_id(user, &here, "uid", &process->uid, err));
    TRY(field_id(user, &here, "gid", &process->gid, err));
    int64_t umask = -1;
    TRY(field_integer(user, &here, "umask", 0, 0777, &umask, err));
    process->umask = (int)umask;
    TRY(field_array(user, &here, "additionalGids", &array, &count, err));
    process->groups = calloc(count + 1, sizeof *process->groups);
    if (!process->groups)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place entry = {&list, NULL, i};
        int64_t gid;
        TRY(field_take_integer(json_object_array_get_idx(array, i), &entry, 0, (int64_t)UINT32_MAX - 1, &gid, err));
        process->groups[process->group_count++] = (gid_t)gid;
    }
    return 0;
}

static int parse_process(json_object *json, const struct place *place, struct spec_process *process, struct error *err)
{
    static const char *const known[] = {"terminal", "consoleSize", "user", "args", "env", "cwd", "capabilities", "rlimits",
                                        "noNewPrivileges", "oomScoreAdj", "apparmorProfile", NULL};
    static const char *const known_size[] = {"height", "width", NULL};
    static const char *const known_caps[] = {"bounding", "effective", "inheritable", "permitted", "ambient", NULL};
    /* selinuxLabel, scheduler, ioPriority and whatever comes later are refused here unless empty. */
    TRY(field_check_keys(json, place, known, err));
    TRY(field_bool(json, place, "terminal", &process->terminal, err));
    TRY(field_bool(json, place, "noNewPrivileges", &process->no_new_privileges, err));

    json_object *size;
    struct place size_place = {place, "consoleSize", 0};
    int64_t rows = 0, cols = 0, score = 0;
    TRY(field_object(json, place, "consoleSize", &size, err));
    if (size) {
        TRY(field_check_keys(size, &size_place, known_size, err));
        TRY(field_integer(size, &size_place, "height", 0, USHRT_MAX, &rows, err));
        TRY(field_integer(size, &size_place, "width", 0, USHRT_MAX, &cols, err));
    }
    process->rows = (unsigned short)rows;
    process->cols = (unsigned short)cols;

    TRY(parse_user(json, place, process, err));
    TRY(field_strings(json, place, "args", &process->args, err));
    TRY(field_strings(json, place, "env", &process->env, err));
    TRY(field_string(json, place, "cwd", &process->cwd, err));
    TRY(field_string(json, place, "apparmorProfile", &process->apparmor_profile, err));
    struct place cwd_place = {place, "cwd", 0};
    if (!process->cwd || process->cwd[0] != '/')
        return field_refuse(err, &cwd_place, "must be an absolute path");

    json_object *caps;
    struct place caps_place = {place, "capabilities", 0};
    TRY(field_object(json, place, "capabilities", &caps, err));
    if (caps) {
        TRY(field_check_keys(caps, &caps_place, known_caps, err));
        TRY(get_caps(caps, &caps_place, "bounding", &process->caps.bounding, err));
        TRY(get_caps(caps, &caps_place, "effective", &process->caps.effective, err));
        TRY(get_caps(caps, &caps_place, "inheritable", &process->caps.inheritable, err));
        TRY(get_caps(caps, &caps_place, "permitted", &process->caps.permitted, err));
        TRY(get_caps(caps, &caps_place, "ambient", &process->caps.ambient, err));
    }
    TRY(parse_rlimits(json, place, process, err));
    process->has_oom_score_adj = field_member(json, "oomScoreAdj") != NULL;
    TRY(field_integer(json, place, "oomScoreAdj", -1000, 1000, &score, err));
    process->oom_score_adj = (int)score;
    return 0;
}

int spec_process_parse(json_object *json, struct spec_process **out, struct error *err)
{
    cleanup_spec_process struct spec_process *process = calloc(1, sizeof *process);
    struct place place = {NULL, "process", 0};
    *out = NULL;
    if (!process)
        return field_no_memory(err);
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
    free(process->apparmor_profile);
    strings_free(process->args);
    strings_free(process->env);
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
        return field_no_memory(err);
    for (; process->env && process->env[count]; count++)
        if (strncmp(process->env[count], name, length) == 0 && process->env[count][length] == '=') {
            free(process->env[count]);
            process->env[count] = entry;
            return 0;
        }
    char **grown = realloc(process->env, (count + 2) * sizeof *grown);
    if (!grown) {
        free(entry);
        return field_no_memory(err);
    }
    grown[count] = entry;
    grown[count + 1] = NULL;
    process->env = grown;
    return 0;
}
