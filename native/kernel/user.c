#include "user.h"
#include "../base/cleanup.h"
#include "beneath.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define FILE_MAX (1u << 20)
#define ID_MAX 2147483647L /* as Docker has it */

/* One of /etc/passwd and /etc/group in memory. An absent file is an empty one. */
static int read_table(int root, const char *path, char **out, struct error *err)
{
    struct error problem = {0};
    *out = read_in_root(root, path, FILE_MAX, &problem);
    if (!*out && (errno == ENOENT || errno == ENOTDIR))
        *out = strdup("");
    if (*out)
        return 0;
    *err = problem;
    return -1;
}

/* The next line's fields, cut at colons in place; 0 at the end. Comments and empty lines are skipped. */
static size_t next_fields(char **rest, char **fields, size_t max)
{
    while (**rest) {
        char *line = *rest;
        size_t length = strcspn(line, "\n"), count = 0;
        *rest = line + length + (line[length] != '\0');
        line[length] = '\0';
        line += strspn(line, " \t\r");
        for (size_t end = strlen(line); end > 0 && isspace((unsigned char)line[end - 1]); end--)
            line[end - 1] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        for (char *field = line; field && count < max; count++) {
            fields[count] = field;
            field = strchr(field, ':');
            if (field)
                *field++ = '\0';
        }
        return count;
    }
    return 0;
}

/* Decimal digits only: "+0", "0x0", " 1" are names. -1: not a number; -2: one too large. */
static long parse_id(const char *text)
{
    long value = 0;
    if (!text[0])
        return -1;
    for (const char *digit = text; *digit; digit++) {
        if (!isdigit((unsigned char)*digit))
            return -1;
        value = value * 10 + (*digit - '0');
        if (value > ID_MAX)
            value = ID_MAX + 1;
    }
    return value > ID_MAX ? -2 : value;
}

static int add_group(struct spec_process *process, gid_t gid, struct error *err)
{
    for (size_t i = 0; i < process->group_count; i++)
        if (process->groups[i] == gid)
            return 0;
    gid_t *grown = realloc(process->groups, (process->group_count + 1) * sizeof *grown);
    if (!grown)
        return fail(err, ENOMEM, "list the groups");
    process->groups = grown;
    process->groups[process->group_count++] = gid;
    return 0;
}

struct account {
    uid_t uid;
    gid_t gid;
    char *name; /* NULL where the passwd file has no such entry */
    char *home;
};

/* By name, or else by number. */
static int find_account(int root, const char *wanted, struct account *out, struct error *err)
{
    cleanup_free char *text = NULL;
    char *fields[7];
    TRY(read_table(root, "/etc/passwd", &text, err));
    long id = parse_id(wanted);
    bool found = false;
    for (char *rest = text; !found;) {
        size_t count = next_fields(&rest, fields, 7);
        if (count == 0)
            break;
        long uid = count > 2 ? parse_id(fields[2]) : -1, gid = count > 3 ? parse_id(fields[3]) : -1;
        if (uid < 0 || gid < 0 || (strcmp(fields[0], wanted) != 0 && uid != id))
            continue;
        *out = (struct account){(uid_t)uid, (gid_t)gid, strdup(fields[0]), count > 5 && fields[5][0] ? strdup(fields[5]) : NULL};
        found = true;
    }
    if (found)
        return 0;
    if (id == -2)
        return fail_kind(err, "invalid", 0, "uids and gids must be in range 0-%ld", ID_MAX);
    if (id < 0)
        return fail_kind(err, "invalid", 0, "unable to find user %s: no matching entries in passwd file", wanted);
    *out = (struct account){.uid = (uid_t)id};
    return 0;
}

static int find_group(int root, const char *wanted, gid_t *out, struct error *err)
{
    cleanup_free char *text = NULL;
    char *fields[4];
    TRY(read_table(root, "/etc/group", &text, err));
    long id = parse_id(wanted);
    for (char *rest = text;;) {
        size_t count = next_fields(&rest, fields, 4);
        if (count == 0)
            break;
        long gid = count > 2 ? parse_id(fields[2]) : -1;
        if (gid < 0 || (strcmp(fields[0], wanted) != 0 && gid != id))
            continue;
        *out = (gid_t)gid;
        return 0;
    }
    if (id == -2)
        return fail_kind(err, "invalid", 0, "uids and gids must be in range 0-%ld", ID_MAX);
    if (id < 0)
        return fail_kind(err, "invalid", 0, "unable to find group %s: no matching entries in group file", wanted);
    *out = (gid_t)id;
    return 0;
}

/* The groups that list the account as a member. */
static int add_memberships(int root, const char *name, struct spec_process *process, struct error *err)
{
    cleanup_free char *text = NULL;
    char *fields[4];
    TRY(read_table(root, "/etc/group", &text, err));
    for (char *rest = text;;) {
        size_t count = next_fields(&rest, fields, 4);
        if (count == 0)
            return 0;
        long gid = count > 3 ? parse_id(fields[2]) : -1;
        char *inner = NULL;
        if (gid < 0)
            continue;
        for (char *member = strtok_r(fields[3], ",", &inner); member; member = strtok_r(NULL, ",", &inner))
            if (strcmp(member, name) == 0)
                TRY(add_group(process, (gid_t)gid, err));
    }
}

static int add_listed(int root, char *const *groups, struct spec_process *process, struct error *err)
{
    for (; groups && *groups; groups++) {
        gid_t gid;
        TRY(find_group(root, *groups, &gid, err));
        TRY(add_group(process, gid, err));
    }
    return 0;
}

static int resolve(int root, const char *user, char *const *groups, struct spec_process *process, struct account *account, struct error *err)
{
    cleanup_free char *name = strdup(user);
    if (!name)
        return fail(err, ENOMEM, "find the user");
    char *group = strchr(name, ':');
    if (group)
        *group++ = '\0';
    if (group && group[0] == '\0')
        return fail_kind(err, "invalid", 0, "unable to find group %s: no matching entries in group file", group);
    TRY(find_account(root, name[0] ? name : "0", account, err));
    process->uid = account->uid;
    process->gid = account->gid;
    process->group_count = 0;
    if (group)
        TRY(find_group(root, group, &process->gid, err));
    TRY(add_group(process, process->gid, err)); /* so that leaving one's own group gains nothing: CVE-2022-36109 */
    if (!group && account->name)
        TRY(add_memberships(root, account->name, process, err));
    TRY(add_listed(root, groups, process, err));
    return spec_process_setenv(process, "HOME", account->home ? account->home : "/", false, err);
}

int user_resolve(int root, const char *user, char *const *groups, struct spec_process *process, struct error *err)
{
    struct account account = {0};
    int status = resolve(root, user, groups, process, &account, err);
    free(account.name);
    free(account.home);
    return status < 0 ? in_step(err, "user") : 0;
}

int user_set_home(int root, struct spec_process *process, struct error *err)
{
    struct account account = {0};
    struct error ignored = {0};
    char id[16];
    if (spec_process_getenv(process, "HOME"))
        return 0;
    snprintf(id, sizeof id, "%u", process->uid);
    /* Wherever the passwd file is of no use, "/" is. */
    find_account(root, id, &account, &ignored);
    int status = spec_process_setenv(process, "HOME", account.home ? account.home : "/", false, err);
    free(account.name);
    free(account.home);
    return status;
}
