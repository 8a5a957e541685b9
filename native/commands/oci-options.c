#include "oci-options.h"

#include <string.h>

struct option_name {
    const char *name, *letter;
    size_t offset;
    enum { TEXT, FLAG, SKIP_TEXT, SKIP_FLAG, ENV } kind;
};

#define FIELD(name) offsetof(struct oci_options, name)
static const struct option_name global_options[] = {
    {"root", NULL, FIELD(root), TEXT},
    {"log", NULL, FIELD(log), TEXT},
    {"log-format", NULL, FIELD(format), TEXT},
    {"debug", NULL, 0, SKIP_FLAG},
    {"rootless", NULL, 0, SKIP_TEXT}, /* found out by trying */
    {"criu", NULL, 0, SKIP_TEXT},
    {0},
};
static const struct option_name verb_options[] = {
    {"bundle", "b", FIELD(bundle), TEXT},
    {"console-socket", NULL, FIELD(console_socket), TEXT},
    {"pid-file", NULL, FIELD(pid_file), TEXT},
    {"process", "p", FIELD(process), TEXT},
    {"format", "f", FIELD(format), TEXT},
    {"resources", "r", FIELD(resources), TEXT},
    {"cwd", NULL, FIELD(cwd), TEXT},
    {"user", "u", FIELD(user), TEXT},
    {"env", "e", 0, ENV},
    {"force", "f", FIELD(force), FLAG},
    {"detach", "d", FIELD(detach), FLAG},
    {"tty", "t", FIELD(tty), FLAG},
    {"all", "a", FIELD(all), FLAG},
    {"no-new-privs", NULL, FIELD(no_new_privileges), FLAG},
    {"no-new-keyring", NULL, 0, SKIP_FLAG},
    {0},
};

static const struct option_name *find_option(const struct option_name *table, const char *name, size_t length, bool letter, const char *verb)
{
    for (; table->name; table++) {
        const char *known = letter ? table->letter : table->name;
        if (!known || strlen(known) != length || strncmp(known, name, length) != 0)
            continue;
        if (letter && *name == 'f' && (table->kind == FLAG) != (strcmp(verb, "delete") == 0))
            continue; /* -f is --force to delete and --format to ps */
        return table;
    }
    return NULL;
}

static int take_option(struct oci_options *options, const struct option_name *table, const char *verb, int *at, int argc, char **argv, struct error *err)
{
    const char *text = argv[*at] + 1;
    bool letter = text[0] != '-';
    text += !letter;
    size_t length = strcspn(text, "=");
    const struct option_name *option = find_option(table, text, length, letter && length == 1, verb);
    if (!option)
        return fail_kind(err, "invalid", 0, "unknown option %s", argv[*at]);
    if (option->kind == FLAG || option->kind == SKIP_FLAG) {
        if (option->kind == FLAG)
            *(bool *)((char *)options + option->offset) = strcmp(text + length, "=false") != 0;
        return 0;
    }
    const char *value = text[length] == '=' ? text + length + 1 : *at + 1 < argc ? argv[++*at] : NULL;
    if (!value)
        return fail_kind(err, "invalid", 0, "the option %s needs a value", argv[*at]);
    if (option->kind == TEXT)
        *(const char **)((char *)options + option->offset) = value;
    else if (option->kind == ENV && options->env_count < sizeof options->env / sizeof *options->env)
        options->env[options->env_count++] = (char *)value;
    return 0;
}

/* Up to the first word, or all of them; `--` ends the options. After exec's id everything belongs to the command. */
static int take_options(struct oci_options *options, const struct option_name *table, const char *verb, int *at, int argc, char **argv, struct error *err)
{
    bool global = table == global_options, exec = strcmp(verb, "exec") == 0;
    for (; *at < argc; (*at)++) {
        bool word = argv[*at][0] != '-' || argv[*at][1] == '\0' || (exec && options->word_count > 0);
        if (word && global)
            return 0;
        if (!word && strcmp(argv[*at], "--") != 0) {
            if (global && (strcmp(argv[*at], "--version") == 0 || strcmp(argv[*at], "-v") == 0))
                return 0;
            TRY(take_option(options, table, verb, at, argc, argv, err));
        } else if (word) {
            if (options->word_count == sizeof options->words / sizeof *options->words)
                return fail_kind(err, "invalid", 0, "too many arguments");
            options->words[options->word_count++] = argv[*at];
        }
    }
    return 0;
}

int oci_take_global(struct oci_options *options, int *at, int argc, char **argv, struct error *err)
{
    return take_options(options, global_options, "", at, argc, argv, err);
}

int oci_take_verb(struct oci_options *options, const char *verb, int *at, int argc, char **argv, struct error *err)
{
    return take_options(options, verb_options, verb, at, argc, argv, err);
}
