#include "oci-features.h"
#include "../base/spec.h"
#include "../kernel/apparmor.h"
#include "../kernel/cgroup.h"

#include <stdbool.h>
#include <stdio.h>

static json_object *strings(const char *const *texts)
{
    json_object *list = json_object_new_array();
    for (; *texts; texts++)
        json_object_array_add(list, json_object_new_string(*texts));
    return list;
}

static json_object *enabled(bool value)
{
    json_object *object = json_object_new_object();
    json_object_object_add(object, "enabled", json_object_new_boolean(value));
    return object;
}

static json_object *cgroup_features(void)
{
    struct cgroup_support support;
    json_object *cgroup = json_object_new_object();
    cgroup_probe(&support);
    json_object_object_add(cgroup, "v1", json_object_new_boolean(support.version == 1));
    json_object_object_add(cgroup, "v2", json_object_new_boolean(support.version == 2));
    json_object_object_add(cgroup, "systemd", json_object_new_boolean(false));
    json_object_object_add(cgroup, "systemdUser", json_object_new_boolean(false));
    json_object_object_add(cgroup, "rdma", json_object_new_boolean(false));
    return cgroup;
}

static json_object *seccomp_features(void)
{
    static const char *const actions[] = {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
                                          "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP", NULL};
    static const char *const operators[] = {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
                                            "SCMP_CMP_NE", NULL};
    static const char *const flags[] = {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC", NULL};
    json_object *seccomp = enabled(true);
    static const char *const architectures[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_RISCV64", "SCMP_ARCH_X32", "SCMP_ARCH_X86",
                                                "SCMP_ARCH_X86_64", NULL};
    json_object_object_add(seccomp, "archs", strings(architectures));
    json_object_object_add(seccomp, "actions", strings(actions));
    json_object_object_add(seccomp, "operators", strings(operators));
    json_object_object_add(seccomp, "knownFlags", strings(flags));
    json_object_object_add(seccomp, "supportedFlags", strings(flags));
    return seccomp;
}

static json_object *mount_options(void)
{
    static const char *const options[] = {"async", "bind", "rbind", "idmap", "ridmap", "private", "rprivate", "shared", "rshared", "slave", "rslave",
                                          "sync", "tmpcopyup", "unbindable", "runbindable", NULL};
    /* These are there with an r before them, too: for everything below. */
    static const char *const attributes[] = {"atime",       "defaults", "dev", "diratime", "exec",      "noatime", "nodev", "nodiratime", "noexec", "norelatime", "nostrictatime",
                                             "nosuid", "nosymfollow", "relatime", "ro",  "rw",       "strictatime", "suid",    "symfollow", NULL};
    json_object *list = strings(options);
    for (const char *const *name = attributes; *name; name++) {
        char recursive[32];
        snprintf(recursive, sizeof recursive, "r%s", *name);
        json_object_array_add(list, json_object_new_string(*name));
        json_object_array_add(list, json_object_new_string(recursive));
    }
    return list;
}

json_object *oci_features(void)
{
    static const char *const namespaces[] = {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts", NULL};
    static const char *const hooks[] = {"prestart", "createRuntime", "poststart", "poststop", NULL};
    json_object *features = json_object_new_object(), *linux_ = json_object_new_object(), *capabilities = json_object_new_array(),
                *idmap = json_object_new_object();
    json_object_object_add(idmap, "idmap", enabled(true));
    for (int number = 0; spec_capability_name(number); number++)
        json_object_array_add(capabilities, json_object_new_string(spec_capability_name(number)));
    json_object_object_add(linux_, "namespaces", strings(namespaces));
    json_object_object_add(linux_, "capabilities", capabilities);
    json_object_object_add(linux_, "cgroup", cgroup_features());
    json_object_object_add(linux_, "seccomp", seccomp_features());
    json_object_object_add(linux_, "apparmor", enabled(apparmor_enabled()));
    json_object_object_add(linux_, "selinux", enabled(false));
    json_object_object_add(linux_, "intelRdt", enabled(false));
    json_object_object_add(linux_, "mountExtensions", idmap);
    json_object_object_add(linux_, "netDevices", enabled(false));
    json_object_object_add(features, "ociVersionMin", json_object_new_string("1.0.0"));
    json_object_object_add(features, "ociVersionMax", json_object_new_string(OCI_SPEC_VERSION));
    json_object_object_add(features, "hooks", strings(hooks));
    json_object_object_add(features, "mountOptions", mount_options());
    json_object_object_add(features, "linux", linux_);
    return features;
}
