/* forwarder/forwarder.c: the forwarder's requests. */
#include "forwarder.h"

#include "../companion/companion.h"

static json_object *request(json_object *request, struct error *err)
{
    fail_kind(err, "not-implemented", 0, "the forwarder has no operation \"%s\"", json_object_get_string(json_object_object_get(request, "op")));
    return NULL;
}

int forwarder_main(const char *run_dir)
{
    static const struct companion forwarder = {"forwarder", request};
    return companion_main(&forwarder, run_dir);
}
