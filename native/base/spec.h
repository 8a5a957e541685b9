/* base/spec.h: an OCI runtime-spec 1.2 config.json, checked field by field. What we do not understand and must not ignore is refused. */
#ifndef SLIPWAY_BASE_SPEC_H
#define SLIPWAY_BASE_SPEC_H

#include "error.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum spec_namespace_kind {
    SPEC_NS_USER,
    SPEC_NS_MOUNT,
    SPEC_NS_PID,
    SPEC_NS_NET,
    SPEC_NS_IPC,
    SPEC_NS_UTS,
    SPEC_NS_CGROUP,
    SPEC_NS_TIME,
    SPEC_NS_KINDS
};

struct spec_namespace {
    bool wanted;
    char *path; /* join this one; NULL: make a new one */
};

struct spec_idmap {
    uint32_t inside, outside, length;
};

struct spec_rlimit {
    int resource; /* RLIMIT_… */
    rlim_t soft, hard;
};

/* Bit n is capability number n. */
struct spec_caps {
    uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct spec_process {
    bool terminal;
    unsigned short rows, cols; /* consoleSize; 0: not given */
    char *cwd;
    char **args; /* NULL-terminated */
    char **env;  /* NULL-terminated, each "NAME=value" */
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* additionalGids */
    size_t group_count;
    int umask; /* -1: leave at 0022 */
    struct spec_caps caps;
    bool no_new_privileges;
    char *apparmor_profile; /* NULL or "": none */
    bool has_oom_score_adj;
    int oom_score_adj;
    struct spec_rlimit *rlimits;
    size_t rlimit_count;
};

struct spec_mount {
    char *destination; /* absolute, as seen inside */
    char *type;        /* "" for a bind */
    char *source;      /* relative ones begin at the bundle; "" where none */
    char **options;    /* NULL-terminated */
    struct spec_idmap *uid_map, *gid_map; /* idmapped bind */
    size_t uid_map_count, gid_map_count;
};

struct spec_device {
    char *path;
    char type; /* 'c' 'b' 'p' */
    unsigned major, minor;
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

struct spec_device_rule {
    bool allow;
    char type;           /* 'a' 'c' 'b' */
    int64_t major, minor; /* -1: any */
    unsigned access;     /* SPEC_ACCESS_… */
};
#define SPEC_ACCESS_MKNOD 1u
#define SPEC_ACCESS_READ 2u
#define SPEC_ACCESS_WRITE 4u

/* A limit that may be absent. */
struct spec_number {
    bool set;
    int64_t value;
};

struct spec_device_number {
    unsigned major, minor;
    uint64_t value;
};

struct spec_device_numbers {
    struct spec_device_number *items;
    size_t count;
};

struct spec_pair {
    char *name, *value;
};

struct spec_resources {
    struct spec_number memory_limit, memory_reservation, memory_swap, memory_swappiness, memory_disable_oom_killer; /* bytes; -1: unlimited */
    struct spec_number cpu_shares, cpu_quota, cpu_burst, cpu_period, cpu_realtime_runtime, cpu_realtime_period, cpu_idle;
    char *cpuset_cpus, *cpuset_mems;
    struct spec_number pids_limit;
    struct spec_number io_weight;
    struct spec_device_numbers io_weight_device, io_read_bps, io_write_bps, io_read_iops, io_write_iops;
    struct spec_device_rule *devices;
    size_t device_count;
    struct spec_pair *unified; /* cgroup v2 files, written as they are */
    size_t unified_count;
    struct spec_pair *hugepages; /* page size ("2MB") and limit in bytes */
    size_t hugepage_count;
};

struct spec {
    json_object *raw;  /* the whole document; seccomp and annotations are read from it */
    char *bundle;      /* absolute */
    char *rootfs;      /* absolute */
    bool rootfs_readonly;
    unsigned long rootfs_propagation; /* MS_PRIVATE MS_SLAVE MS_SHARED MS_UNBINDABLE, with MS_REC; 0: not given */
    struct spec_process *process; /* NULL where config.json has none */
    char *hostname, *domainname;  /* NULL: leave */
    struct spec_mount *mounts;
    size_t mount_count;
    struct spec_namespace namespaces[SPEC_NS_KINDS];
    struct spec_idmap *uid_map, *gid_map;
    size_t uid_map_count, gid_map_count;
    struct spec_device *devices;
    size_t device_count;
    char *cgroups_path; /* NULL: none asked for */
    struct spec_resources resources;
    struct spec_pair *sysctl;
    size_t sysctl_count;
    char **masked_paths, **readonly_paths; /* NULL-terminated */
    json_object *seccomp;     /* linux.seccomp, borrowed from raw; NULL: unconfined */
    json_object *hooks;       /* borrowed from raw; NULL or one that names no hook: none */
    json_object *annotations; /* borrowed from raw; may be NULL */
};

/* Reads and checks BUNDLE/config.json. *out is freed with spec_free. */
int spec_load(const char *bundle, struct spec **out, struct error *err);
void spec_free(struct spec *spec);

/* An OCI process object by itself, as exec takes it. Freed with spec_process_free. */
int spec_process_parse(json_object *json, struct spec_process **out, struct error *err);
void spec_process_free(struct spec_process *process);

/* Sets NAME=value in the process's environment, replacing an earlier NAME where `replace`. */
int spec_process_setenv(struct spec_process *process, const char *name, const char *value, bool replace, struct error *err);
/* The value of NAME, or NULL. */
const char *spec_process_getenv(const struct spec_process *process, const char *name);

/* An OCI linux.resources object by itself, as `update` takes it. */
int spec_resources_parse(json_object *json, struct spec_resources *out, struct error *err);
/* The same as part of a larger document. */
struct place;
int spec_resources_parse_at(json_object *json, const struct place *place, struct spec_resources *out, struct error *err);
void spec_resources_clear(struct spec_resources *resources);

/* A list of {containerID, hostID, size} by itself: one side of a user namespace's map. */
int spec_idmaps_parse(json_object *json, const char *key, struct spec_idmap **out, size_t *count, struct error *err);

/* "CAP_CHOWN" for 0 and so on; NULL past the last. */
const char *spec_capability_name(int number);

/* The annotation's text, or NULL. */
const char *spec_annotation(const struct spec *spec, const char *key);

static inline void spec_free_(struct spec **spec)
{
    spec_free(*spec);
}
static inline void spec_process_free_(struct spec_process **process)
{
    spec_process_free(*process);
}
#define cleanup_spec __attribute__((cleanup(spec_free_)))
#define cleanup_spec_process __attribute__((cleanup(spec_process_free_)))

#endif
