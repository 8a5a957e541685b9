/* commands/layer-noise.c: what package managers, interpreters and daemons leave behind. */
#include "layer-tree.h"

#include <string.h>

static const char *const whole[] = {
    "/var/lib/apt/lists", "/var/cache",  "/var/log", "/var/lib/dpkg/status-old", "/var/lib/dpkg/available-old", "/var/lib/dpkg/diversions-old",
    "/lib/apk/db/scripts.tar.old", "/usr/local/share/.cache", "/root/.cargo/registry", "/root/.m2/repository", "/root/.gradle/caches", "/etc/ld.so.cache",
    "/usr/local/cargo/registry", "/go/pkg/mod/cache", "/root/go/pkg/mod/cache", "/root/.bundle/cache", "/usr/local/bundle/cache",
};
static const char *const anywhere[] = {"__pycache__", ".npm", ".cache", "_cacache", ".yarn-cache", ".pnpm-store", ".pytest_cache", ".mypy_cache", ".ruff_cache"};

static bool ends(const char *name, const char *end)
{
    size_t length = strlen(name), wanted = strlen(end);
    return length > wanted && strcmp(name + length - wanted, end) == 0;
}

bool is_noise(const char *directory, const char *name)
{
    size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
    for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++)
        if (strcmp(name, anywhere[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strncmp(whole[i], directory, length) == 0 && whole[i][length] == '/' && strcmp(whole[i] + length + 1, name) == 0)
            return true;
    return ends(name, ".pyc");
}
