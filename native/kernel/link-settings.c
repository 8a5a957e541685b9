#include "link-settings.h"

#include "../base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PLACEHOLDER "IFNAME"

int net_setting(const char *path, const char *value, struct error *err)
{
    char full[384];
    snprintf(full, sizeof full, "/proc/sys/net/%s", path);
    cleanup_close int file = open(full, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "open %s", full);
    char now[16] = "";
    size_t length = strlen(value);
    if (pread(file, now, sizeof now - 1, 0) > 0 && strncmp(now, value, length) == 0 && isspace((unsigned char)now[length]))
        return 0;
    if (pwrite(file, value, length, 0) < 0)
        return fail(err, errno, "set %s to %s", full, value);
    return 0;
}

int link_setting(const char *family, const char *link, const char *name, const char *value, struct error *err)
{
    char path[128];
    snprintf(path, sizeof path, "%s/conf/%s/%s", family, link, name);
    return net_setting(path, value, err);
}

int link_set_ipv6(const char *link, bool wanted, struct error *err)
{
    TRY(link_setting("ipv6", link, "accept_ra", "0", err));
    if (wanted)
        TRY(link_setting("ipv6", link, "accept_dad", "0", err));
    return link_setting("ipv6", link, "disable_ipv6", wanted ? "0" : "1", err);
}

static bool setting_is(const char *path, char value)
{
    char full[384], now[2] = "";
    snprintf(full, sizeof full, "/proc/sys/net/%s", path);
    cleanup_close int file = open(full, O_RDONLY | O_CLOEXEC);
    return file >= 0 && pread(file, now, sizeof now, 0) == (ssize_t)sizeof now && now[0] == value && now[1] == '\n';
}

int ipv6_forward(struct error *err)
{
    if (setting_is("ipv6/conf/all/forwarding", '1'))
        return 0;
    cleanup_closedir DIR *links = opendir("/proc/sys/net/ipv6/conf");
    struct dirent *link;
    while (links && (link = readdir(links))) {
        char path[320];
        snprintf(path, sizeof path, "ipv6/conf/%s/accept_ra", link->d_name);
        if (setting_is(path, '1')) /* 2: also as a router */
            TRY(net_setting(path, "2", err));
    }
    return net_setting("ipv6/conf/all/forwarding", "1", err);
}

/* "net.ipv4.conf.IFNAME.forwarding" in its parts: `head` is "ipv4/conf", `tail` what comes after the name. */
static bool take_apart(const char *pattern, char head[64], const char **tail)
{
    static const char *const families[] = {"net.ipv4.", "net.ipv6.", "net.mpls."};
    bool known = false;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        known = known || strncmp(pattern, families[i], strlen(families[i])) == 0;
    const char *name = strstr(pattern, "." PLACEHOLDER ".");
    if (!known || !name || strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789_.") != (size_t)(name + 1 - pattern))
        return false;
    const char *first = pattern + strlen("net.ipv4.");
    *tail = name + strlen("." PLACEHOLDER ".");
    size_t group = name > first ? (size_t)(name - first) : 0; /* "conf", "neigh" */
    if (group == 0 || group > 32 || memchr(first, '.', group) || **tail == '\0' ||
        (*tail)[strspn(*tail, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
        return false;
    snprintf(head, 64, "%.4s/%.*s", pattern + strlen("net."), (int)group, first);
    return true;
}

int link_setting_check(const char *pattern, struct error *err)
{
    char head[64];
    const char *tail;
    if (!take_apart(pattern, head, &tail))
        return fail_kind(err, "invalid", 0, "%.100s is not a setting of one interface: write it as net.ipv4.conf." PLACEHOLDER ".forwarding", pattern);
    return 0;
}

int link_setting_apply(const char *pattern, const char *link, const char *value, struct error *err)
{
    char head[64], path[256];
    const char *tail;
    TRY(link_setting_check(pattern, err));
    take_apart(pattern, head, &tail);
    if (snprintf(path, sizeof path, "/proc/sys/net/%s/%s/%s", head, link, tail) >= (int)sizeof path)
        return fail_kind(err, "invalid", 0, "%.100s is too long a name for a setting", pattern);
    cleanup_close int file = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return fail_kind(err, errno == ENOENT ? "invalid" : "", errno, "open the setting %.100s of %s", pattern, link);
    if (write(file, value, strlen(value)) < 0)
        return fail_kind(err, errno == EINVAL ? "invalid" : "", errno, "set %.100s of %s to %.100s", pattern, link, value);
    return 0;
}
