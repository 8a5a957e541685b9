/* Docker's user strings against a passwd and a group file that have seen better days. */
#include "../base/cleanup.h"
#include "../kernel/user.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int failures;
static char root_path[] = "/tmp/slipway-user-XXXXXX";
static int root;

static void put(const char *name, const char *text)
{
    int file = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0 || write(file, text, strlen(text)) < 0)
        abort();
    close(file);
}

static void expect(const char *user, char *const *groups, const char *wanted)
{
    struct spec_process process = {.umask = -1};
    struct error err = {0};
    char got[600];
    if (user_resolve(root, user, groups, &process, &err) < 0) {
        snprintf(got, sizeof got, "%s", err.message);
    } else {
        int used = snprintf(got, sizeof got, "%u:%u", process.uid, process.gid);
        for (size_t i = 0; i < process.group_count; i++)
            used += snprintf(got + used, sizeof got - (size_t)used, "%c%u", i ? ',' : ' ', process.groups[i]);
        snprintf(got + used, sizeof got - (size_t)used, " %s", spec_process_getenv(&process, "HOME"));
    }
    if (strcmp(got, wanted) != 0) {
        fprintf(stderr, "user \"%s\": wanted \"%s\", got \"%s\"\n", user, wanted, got);
        failures++;
    }
    for (char **entry = process.env; entry && *entry; entry++)
        free(*entry);
    free(process.env);
    free(process.groups);
}

int main(void)
{
    if (!mkdtemp(root_path) || (root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || mkdirat(root, "etc", 0755) < 0)
        return 1;
    expect("", NULL, "0:0 0 /");
    expect("1234", NULL, "1234:0 0 /");
    expect("1234:55", NULL, "1234:55 55 /");
    expect("app", NULL, "unable to find user app: no matching entries in passwd file");

    put("etc/passwd", "# users\n\nroot:x:0:0:root:/root:/bin/sh\nbroken\nhuge:x:4294967296:0::/:/x\napp:x:1000:1001::/home/app:/bin/sh\nnohome:x:7:7\n");
    put("etc/group", "root:x:0:\nwheel:x:10:root,app\nweb:x:33:app,other\napp:x:1001:\n");
    expect("", NULL, "0:0 0,10 /root");
    expect("root", NULL, "0:0 0,10 /root");
    expect("app", NULL, "1000:1001 1001,10,33 /home/app");
    expect("1000", NULL, "1000:1001 1001,10,33 /home/app");
    expect("app:web", NULL, "1000:33 33 /home/app");
    expect("app:5", NULL, "1000:5 5 /home/app");
    expect("1000:1000", NULL, "1000:1000 1000 /home/app");
    expect("nohome", NULL, "7:7 7 /");
    expect("app", (char *[]){"web", "77", "10", NULL}, "1000:1001 1001,10,33,77 /home/app");
    expect("app:nope", NULL, "unable to find group nope: no matching entries in group file");
    expect("app", (char *[]){"nope", NULL}, "unable to find group nope: no matching entries in group file");
    expect("nope", NULL, "unable to find user nope: no matching entries in passwd file");
    expect("1000:", NULL, "unable to find group : no matching entries in group file");
    expect("0x0", NULL, "unable to find user 0x0: no matching entries in passwd file");
    expect("+0", NULL, "unable to find user +0: no matching entries in passwd file");
    expect("-1", NULL, "unable to find user -1: no matching entries in passwd file");
    expect("4294967296", NULL, "uids and gids must be in range 0-2147483647");
    expect("2147483648", NULL, "uids and gids must be in range 0-2147483647");
    expect("0:99999999999999999999", NULL, "uids and gids must be in range 0-2147483647");

    /* Files that are not files, or are too large: refused at once, never waited for. */
    unlinkat(root, "etc/passwd", 0);
    mkfifoat(root, "etc/passwd", 0644);
    expect("root", NULL, "/etc/passwd inside the container is not a regular file");
    unlinkat(root, "etc/passwd", 0);
    if (symlinkat("/../../../../../../../../etc/shadow", root, "etc/passwd") < 0)
        return 1;
    expect("root", NULL, "unable to find user root: no matching entries in passwd file");
    unlinkat(root, "etc/passwd", 0);
    put("etc/passwd", "");
    int file = openat(root, "etc/passwd", O_WRONLY | O_CLOEXEC);
    if (file < 0 || ftruncate(file, (1 << 20) + 1) < 0)
        return 1;
    close(file);
    expect("root", NULL, "/etc/passwd inside the container cannot be read, or is larger than 1048576 bytes");

    unlinkat(root, "etc/passwd", 0);
    unlinkat(root, "etc/group", 0);
    unlinkat(root, "etc", AT_REMOVEDIR);
    rmdir(root_path);
    return failures != 0;
}
