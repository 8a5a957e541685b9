#include "seccomp.h"
#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define SECTION_MAX (4u << 20)
#define FORMAT 2

/* System calls younger than many a libseccomp. From 424 on, a number means the same on every architecture but MIPS. */
static const struct {
    const char *name;
    unsigned number;
} young[] = {
    {"set_mempolicy_home_node", 450}, {"cachestat", 451},    {"fchmodat2", 452},     {"map_shadow_stack", 453},   {"futex_wake", 454},
    {"futex_wait", 455},              {"futex_requeue", 456}, {"statmount", 457},     {"listmount", 458},          {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460},       {"lsm_list_modules", 461}, {"mseal", 462},      {"setxattrat", 463},         {"getxattrat", 464},
    {"listxattrat", 465},             {"removexattrat", 466}, {"open_tree_attr", 467}, {"file_getattr", 468},      {"file_setattr", 469},
};
#define YOUNGEST_COUNT (sizeof young / sizeof *young)
#define X32_BIT 0x40000000u

static json_object *member(json_object *object, const char *key)
{
    json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static const char *text_of(json_object *object, const char *key)
{
    json_object *value = member(object, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static int refuse(struct error *err, const char *what, const char *detail)
{
    return fail_kind(err, "invalid", 0, "seccomp: %s %s", what, detail ? detail : "(missing)");
}

/* ---- the section, read ---- */

static int read_errno(json_object *object, const char *key, uint16_t *out, struct error *err)
{
    json_object *value = member(object, key);
    int64_t number = EPERM;
    if (value && (!json_object_is_type(value, json_type_int) || (number = json_object_get_int64(value)) < 0 || number > 4095))
        return refuse(err, "no errno:", json_object_get_string(value));
    *out = (uint16_t)number;
    return 0;
}

static int read_action(const char *name, uint16_t number, uint32_t *out, struct error *err)
{
    const struct {
        const char *name;
        uint32_t action;
    } known[] = {
        {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
        {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(number)},
        {"SCMP_ACT_KILL", SCMP_ACT_KILL},
        {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
        {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
        {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
        {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(number)},
        {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    };
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].action;
            return 0;
        }
    return refuse(err, "unsupported action", name);
}

static int read_flags(json_object *section, unsigned *out, struct error *err)
{
    json_object *list = member(section, "flags");
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(list, i));
        if (name && strcmp(name, "SECCOMP_FILTER_FLAG_LOG") == 0)
            *out |= SECCOMP_FILTER_FLAG_LOG;
        else if (name && strcmp(name, "SECCOMP_FILTER_FLAG_SPEC_ALLOW") == 0)
            *out |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        else if (!name || strcmp(name, "SECCOMP_FILTER_FLAG_TSYNC") != 0) /* there is one thread */
            return refuse(err, "unsupported flag", name);
    }
    return 0;
}

static int check_section(json_object *section, struct error *err)
{
    static const char *const lists[] = {"architectures", "flags", "syscalls"};
    if (!json_object_is_type(section, json_type_object))
        return refuse(err, "the section must be an object", "");
    if (text_of(section, "listenerPath"))
        return refuse(err, "unsupported:", "listenerPath");
    for (size_t i = 0; i < 3; i++) {
        json_object *list = member(section, lists[i]);
        if (list && !json_object_is_type(list, json_type_array))
            return refuse(err, "must be a list:", lists[i]);
    }
    return 0;
}

static int add_architectures(scmp_filter_ctx filter, json_object *section, struct error *err)
{
    json_object *list = member(section, "architectures");
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(list, i));
        char lower[32] = "";
        if (name && strncmp(name, "SCMP_ARCH_", 10) == 0)
            for (size_t n = 0; name[10 + n] && n < sizeof lower - 1; n++)
                lower[n] = (char)(name[10 + n] | ((name[10 + n] >= 'A' && name[10 + n] <= 'Z') ? 0x20 : 0));
        uint32_t token = lower[0] ? seccomp_arch_resolve_name(lower) : 0;
        if (token == 0)
            return refuse(err, "unknown architecture", name);
        int status = seccomp_arch_add(filter, token);
        if (status < 0 && status != -EEXIST)
            return fail(err, -status, "seccomp: add the architecture %s", name);
    }
    return 0;
}

static int read_argument(json_object *json, struct scmp_arg_cmp *out, struct error *err)
{
    static const struct {
        const char *name;
        enum scmp_compare op;
    } known[] = {
        {"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    };
    json_object *index = member(json, "index"), *value = member(json, "value"), *value_two = member(json, "valueTwo");
    const char *op = text_of(json, "op");
    if (!json_object_is_type(index, json_type_int) || json_object_get_int64(index) < 0 || json_object_get_int64(index) > 5)
        return refuse(err, "no argument index:", json_object_get_string(index));
    if (!json_object_is_type(value, json_type_int) || (value_two && !json_object_is_type(value_two, json_type_int)))
        return refuse(err, "no argument value:", json_object_get_string(value));
    for (size_t i = 0; op && i < sizeof known / sizeof *known; i++)
        if (strcmp(op, known[i].name) == 0) {
            /* With a mask, `value` is the mask and `valueTwo` what must remain. */
            *out = (struct scmp_arg_cmp){(unsigned)json_object_get_int64(index), known[i].op, json_object_get_uint64(value),
                                         value_two ? json_object_get_uint64(value_two) : 0};
            return 0;
        }
    return refuse(err, "unknown comparison", op);
}

static int add_rule(scmp_filter_ctx filter, uint32_t action, const char *name, const struct scmp_arg_cmp *args, size_t count, struct error *err)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0; /* younger than libseccomp (see `young`), or of another architecture */
    int status = seccomp_rule_add_array(filter, action, number, (unsigned)count, args);
    /* EACCES: the same as the default action. */
    return status == 0 || status == -EACCES || status == -EEXIST ? 0 : fail(err, -status, "seccomp: add the rule for %s", name);
}

/* A comparison each for one and the same argument are alternatives, as runc has it; comparisons of several arguments must all hold. */
static int add_rules(scmp_filter_ctx filter, uint32_t action, const char *name, const struct scmp_arg_cmp *args, size_t count, struct error *err)
{
    unsigned seen = 0;
    bool twice = false;
    for (size_t i = 0; i < count; i++) {
        twice = twice || (seen & 1u << args[i].arg);
        seen |= 1u << args[i].arg;
    }
    if (!twice)
        return add_rule(filter, action, name, args, count, err);
    for (size_t i = 0; i < count; i++)
        TRY(add_rule(filter, action, name, &args[i], 1, err));
    return 0;
}

static int add_entry(scmp_filter_ctx filter, json_object *entry, uint32_t default_action, struct error *err)
{
    json_object *names = member(entry, "names"), *list = member(entry, "args");
    struct scmp_arg_cmp args[12];
    uint16_t number;
    uint32_t action;
    size_t count = list ? json_object_array_length(list) : 0;
    if (!json_object_is_type(names, json_type_array) || (list && !json_object_is_type(list, json_type_array)) || count > 12)
        return refuse(err, "a rule needs names, and at most 12 args", "");
    TRY(read_errno(entry, "errnoRet", &number, err));
    TRY(read_action(text_of(entry, "action"), number, &action, err));
    if (action == default_action)
        return 0;
    for (size_t i = 0; i < count; i++)
        TRY(read_argument(json_object_array_get_idx(list, i), &args[i], err));
    for (size_t i = 0; i < json_object_array_length(names); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));
        if (!name)
            return refuse(err, "a rule has a name that is null", "");
        TRY(add_rules(filter, action, name, args, count, err));
    }
    return 0;
}

/* ---- what libseccomp does not say ---- */

struct code {
    struct sock_filter items[128];
    size_t count;
};

static void emit(struct code *code, uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
    code->items[code->count++] = (struct sock_filter){op, jt, jf, k};
}

static void emit_load(struct code *code, size_t offset)
{
    emit(code, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_errno(struct code *code, uint16_t number)
{
    emit(code, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | number, 0, 0);
}

/* The entry that decides about `name`: NULL where none does; *conditional where an argument has a say. */
static json_object *entry_for(json_object *section, const char *name, bool *conditional)
{
    json_object *entries = member(section, "syscalls"), *found = NULL;
    *conditional = false;
    for (size_t i = 0; entries && i < json_object_array_length(entries); i++) {
        json_object *entry = json_object_array_get_idx(entries, i), *names = member(entry, "names"), *args = member(entry, "args");
        for (size_t n = 0; n < json_object_array_length(names); n++) {
            const char *listed = json_object_get_string(json_object_array_get_idx(names, n));
            if (!listed || strcmp(listed, name) != 0)
                continue;
            if (args && json_object_array_length(args) > 0)
                *conditional = true;
            found = entry;
        }
    }
    return found;
}

/* Two ways around a rule about socket(2)'s arguments: the kernel reads the family as 32 bits where the filter compares 64, and on 32-bit
 * architectures socketcall(SYS_SOCKET) has the family behind a pointer. */
static void emit_socket_guard(struct code *code, json_object *section, uint16_t number)
{
    bool conditional;
    entry_for(section, "socket", &conditional);
    int native = seccomp_syscall_resolve_name("socket");
    if (!conditional || native < 0)
        return;
    emit_load(code, offsetof(struct seccomp_data, arch));
    emit(code, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 5);
    emit_load(code, offsetof(struct seccomp_data, nr));
    emit(code, BPF_JMP | BPF_JEQ | BPF_K, 102, 0, 3);
    emit_load(code, offsetof(struct seccomp_data, args[0]));
    emit(code, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1);
    emit_errno(code, number);
    emit_load(code, offsetof(struct seccomp_data, nr));
    /* The x32 twin's upper half is guarded too. */
    emit(code, BPF_ALU | BPF_AND | BPF_K, ~X32_BIT, 0, 0);
    emit(code, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)native, 0, 5);
    emit_load(code, offsetof(struct seccomp_data, arch));
    emit(code, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 3, 0);
    emit_load(code, offsetof(struct seccomp_data, args[0]) + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 4 : 0));
    emit(code, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    emit_errno(code, number);
}

/* Calls that the profile allows and libseccomp has not heard of; and what is younger than everything the profile names does not exist, so that
 * the C library falls back instead of taking "not permitted" for an answer. */
static int emit_young(struct code *code, json_object *section, bool denies, struct error *err)
{
    uint32_t native = seccomp_arch_native();
    size_t newest = 0;
    if (native != SCMP_ARCH_X86_64 && native != SCMP_ARCH_AARCH64 && native != SCMP_ARCH_RISCV64)
        return 0;
    struct code body = {.count = 0};
    for (size_t i = 0; i < YOUNGEST_COUNT; i++) {
        bool conditional;
        uint16_t number;
        uint32_t action;
        json_object *entry = entry_for(section, young[i].name, &conditional);
        if (!entry)
            continue;
        newest = i + 1;
        if (conditional || seccomp_syscall_resolve_name(young[i].name) != __NR_SCMP_ERROR)
            continue;
        TRY(read_errno(entry, "errnoRet", &number, err));
        TRY(read_action(text_of(entry, "action"), number, &action, err));
        emit(&body, BPF_JMP | BPF_JEQ | BPF_K, young[i].number, 0, 1);
        emit(&body, BPF_RET | BPF_K, action, 0, 0);
    }
    if (newest > 0 && denies) {
        emit(&body, BPF_JMP | BPF_JGT | BPF_K, young[newest - 1].number, 0, 1);
        emit_errno(&body, ENOSYS);
    }
    if (body.count == 0)
        return 0;
    /* Only for the native architecture: others meet the profile as libseccomp knows it. */
    emit_load(code, offsetof(struct seccomp_data, arch));
    emit(code, BPF_JMP | BPF_JEQ | BPF_K, native, 1, 0);
    emit(code, BPF_JMP | BPF_JA, (uint32_t)body.count + 3, 0, 0);
    emit_load(code, offsetof(struct seccomp_data, nr));
    emit(code, BPF_JMP | BPF_JGE | BPF_K, young[0].number, 0, (uint8_t)(body.count + 1));
    emit(code, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, (uint8_t)body.count, 0);
    memcpy(code->items + code->count, body.items, body.count * sizeof *body.items);
    code->count += body.count;
    return 0;
}

/* ---- compiling ---- */

static int export_filter(scmp_filter_ctx filter, const struct code *prefix, struct seccomp_filter *out, struct error *err)
{
    struct stat info;
    cleanup_close int memory = memfd_create("seccomp", MFD_CLOEXEC);
    int status = memory < 0 ? -errno : seccomp_export_bpf(filter, memory);
    if (status < 0 || fstat(memory, &info) < 0)
        return fail(err, status < 0 ? -status : errno, "seccomp: compile the filter");
    size_t count = (size_t)info.st_size / sizeof *out->code;
    if (prefix->count + count > BPF_MAXINSNS)
        return fail_kind(err, "invalid", 0, "seccomp: the profile makes %zu instructions, more than the kernel takes", prefix->count + count);
    out->code = malloc((prefix->count + count) * sizeof *out->code);
    if (!out->code)
        return fail(err, ENOMEM, "seccomp: compile the filter");
    memcpy(out->code, prefix->items, prefix->count * sizeof *out->code);
    if (pread(memory, out->code + prefix->count, count * sizeof *out->code, 0) != (ssize_t)(count * sizeof *out->code))
        return fail(err, errno, "seccomp: read the compiled filter");
    out->count = prefix->count + count;
    return 0;
}

static int compile_into(scmp_filter_ctx filter, json_object *section, uint32_t default_action, struct seccomp_filter *out, struct error *err)
{
    json_object *entries = member(section, "syscalls");
    struct code prefix = {.count = 0};
    uint16_t number;
    TRY(add_architectures(filter, section, err));
    for (size_t i = 0; entries && i < json_object_array_length(entries); i++)
        TRY(add_entry(filter, json_object_array_get_idx(entries, i), default_action, err));
    TRY(read_errno(section, "defaultErrnoRet", &number, err));
    bool denies = (default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    emit_socket_guard(&prefix, section, denies ? number : EPERM);
    TRY(emit_young(&prefix, section, denies, err));
    return export_filter(filter, &prefix, out, err);
}

static int compile(json_object *section, struct seccomp_filter *out, struct error *err)
{
    uint16_t number;
    uint32_t action;
    TRY(read_errno(section, "defaultErrnoRet", &number, err));
    TRY(read_action(text_of(section, "defaultAction"), number, &action, err));
    scmp_filter_ctx filter = seccomp_init(action);
    if (!filter)
        return fail(err, ENOMEM, "seccomp: begin a filter");
    /* A tree instead of a list: the kernel walks the filter once for each call that there is when it takes it. Best effort: libseccomp 2.5. */
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    int status = compile_into(filter, section, action, out, err);
    seccomp_release(filter);
    return status;
}

/* ---- keeping what was compiled ---- */

static char cache_directory[PATH_MAX];

void seccomp_set_cache(const char *directory)
{
    if (!directory || snprintf(cache_directory, sizeof cache_directory, "%s", directory) >= (int)sizeof cache_directory)
        cache_directory[0] = '\0';
}

/* The file is {header, the section's text, the filter}. The text is compared, so the hash need not be a cryptographic one. */
struct cache_header {
    char magic[8];
    uint32_t format, arch, version, text_length, count;
    uint64_t sum; /* of text and filter: a file cut short by a power cut is not believed */
};

static uint64_t hash(uint64_t start, const void *data, size_t length)
{
    const unsigned char *byte = data;
    uint64_t value = start;
    for (size_t i = 0; i < length; i++)
        value = (value ^ byte[i]) * UINT64_C(1099511628211);
    return value;
}
#define HASH_START UINT64_C(14695981039346656037)

static struct cache_header make_header(const char *text, size_t length, const struct seccomp_filter *filter)
{
    const struct scmp_version *version = seccomp_version();
    struct cache_header header = {.magic = "slipsec", .format = FORMAT, .arch = seccomp_arch_native(),
                                  .version = version->major << 16 | version->minor << 8 | version->micro,
                                  .text_length = (uint32_t)length, .count = (uint32_t)filter->count};
    header.sum = hash(hash(HASH_START, text, length), filter->code, filter->count * sizeof *filter->code);
    return header;
}

static bool cache_path(const char *text, size_t length, char *out, size_t size)
{
    return cache_directory[0] && snprintf(out, size, "%s/%016" PRIx64, cache_directory, hash(HASH_START, text, length)) < (int)size;
}

static bool cache_read(const char *path, const char *text, size_t length, struct seccomp_filter *out)
{
    struct cache_header header, expected;
    struct stat info;
    cleanup_free char *kept = malloc(length);
    cleanup_close int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (!kept || file < 0 || fstat(file, &info) < 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 022))
        return false;
    if (read(file, &header, sizeof header) != (ssize_t)sizeof header || header.text_length != length || header.count > BPF_MAXINSNS)
        return false;
    cleanup_free struct sock_filter *code = malloc(header.count * sizeof *code + 1);
    if (!code || read(file, kept, length) != (ssize_t)length || memcmp(kept, text, length) != 0 ||
        read(file, code, header.count * sizeof *code) != (ssize_t)(header.count * sizeof *code))
        return false;
    expected = make_header(text, length, &(struct seccomp_filter){.code = code, .count = header.count});
    if (memcmp(&header, &expected, sizeof header) != 0)
        return false;
    out->code = code;
    out->count = header.count;
    code = NULL;
    return true;
}

/* Best effort: without it the next container compiles again. */
static void cache_write(const char *path, const char *text, size_t length, const struct seccomp_filter *filter)
{
    char temporary[PATH_MAX + 32];
    struct cache_header header = make_header(text, length, filter);
    struct iovec parts[] = {{&header, sizeof header}, {(char *)text, length}, {filter->code, filter->count * sizeof *filter->code}};
    size_t whole = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
    snprintf(temporary, sizeof temporary, "%s.%d", path, getpid());
    if (mkdir(cache_directory, 0700) < 0 && errno != EEXIST)
        return;
    cleanup_close int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return;
    if (writev(file, parts, 3) != (ssize_t)whole || rename(temporary, path) < 0)
        unlink(temporary);
}

int seccomp_prepare(json_object *section, struct seccomp_filter *filter, struct error *err)
{
    char path[PATH_MAX];
    *filter = (struct seccomp_filter){0};
    if (!section)
        return 0;
    TRY(check_section(section, err));
    TRY(read_flags(section, &filter->flags, err));
    const char *text = json_object_to_json_string_ext(section, JSON_C_TO_STRING_PLAIN);
    size_t length = text ? strlen(text) : 0;
    if (length == 0 || length > SECTION_MAX)
        return refuse(err, "the section is empty or too long", "");
    bool cached = cache_path(text, length, path, sizeof path);
    if (cached && cache_read(path, text, length, filter))
        return 0;
    TRY(compile(section, filter, err));
    if (cached)
        cache_write(path, text, length, filter);
    return 0;
}

void seccomp_filter_clear(struct seccomp_filter *filter)
{
    free(filter->code);
    *filter = (struct seccomp_filter){0};
}

int seccomp_enforce(const struct seccomp_filter *filter, struct error *err)
{
    struct sock_fprog program = {(unsigned short)filter->count, filter->code};
    if (!filter->code)
        return 0;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &program) != 0)
        return fail(err, errno, "load the seccomp filter");
    return 0;
}
