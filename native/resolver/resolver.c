/* resolver/resolver.c: the resolver's requests. */
#include "resolver.h"

#include "../companion/companion.h"

static json_object *request(json_object *request, struct error *err)
{
    fail_kind(err, "not-implemented", 0, "the resolver has no operation \"%s\"", json_object_get_string(json_object_object_get(request, "op")));
    return NULL;
}

int resolver_main(const char *run_dir)
{
    static const struct companion resolver = {"resolver", request};
    return companion_main(&resolver, run_dir);
}
