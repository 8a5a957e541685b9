#include "fields.h"
#include "cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static size_t place_print(const struct place *place, char *out, size_t size)
{
    if (!place || size == 0)
        return 0;
    size_t used = place_print(place->parent, out, size);
    if (used >= size)
        return used;
    int more = place->key ? snprintf(out + used, size - used, "%s%s", used ? "." : "", place->key)
                          : snprintf(out + used, size - used, "[%zu]", place->index);
    return more < 0 ? used : used + (size_t)more;
}

int field_refuse(struct error *err, const struct place *place, const char *what)
{
    char where[160] = "";
    place_print(place, where, sizeof where);
    return fail_kind(err, "invalid", 0, "config.json: %s %s", where[0] ? where : "the document", what);
}

int field_no_memory(struct error *err)
{
    return fail(err, ENOMEM, "read config.json");
}

json_object *field_member(json_object *object, const char *key)
{
    json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

int field_check_object(json_object *json, const struct place *place, struct error *err)
{
    return json_object_is_type(json, json_type_object) ? 0 : field_refuse(err, place, "must be an object");
}

int field_check_keys(json_object *object, const struct place *place, const char *const *known, struct error *err)
{
    TRY(field_check_object(object, place, err));
    json_object_object_foreach(object, key, value)
    {
        bool found = false;
        for (const char *const *name = known; *name && !found; name++)
            found = strcmp(*name, key) == 0;
        if (found || !value)
            continue;
        bool empty = (json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0) ||
                     (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0) ||
                     (json_object_is_type(value, json_type_object) && json_object_object_length(value) == 0);
        struct place here = {place, key, 0};
        if (!empty)
            return field_refuse(err, &here, "is not supported by this runtime, and is refused rather than ignored");
    }
    return 0;
}

int field_take_string(json_object *value, const struct place *place, char **out, struct error *err)
{
    if (!json_object_is_type(value, json_type_string))
        return field_refuse(err, place, "must be a string");
    const char *text = json_object_get_string(value);
    if (strlen(text) != (size_t)json_object_get_string_len(value))
        return field_refuse(err, place, "holds a NUL character");
    *out = strdup(text);
    return *out ? 0 : field_no_memory(err);
}

int field_string(json_object *object, const struct place *place, const char *key, char **out, struct error *err)
{
    json_object *value = field_member(object, key);
    struct place here = {place, key, 0};
    return value ? field_take_string(value, &here, out, err) : 0;
}

int field_bool(json_object *object, const struct place *place, const char *key, bool *out, struct error *err)
{
    json_object *value = field_member(object, key);
    struct place here = {place, key, 0};
    if (!value)
        return 0;
    if (!json_object_is_type(value, json_type_boolean))
        return field_refuse(err, &here, "must be true or false");
    *out = json_object_get_boolean(value);
    return 0;
}

/* json-c clamps what does not fit in 64 bits, so an integer at either end of the range is what was written or worse. */
int field_take_integer(json_object *value, const struct place *place, int64_t low, int64_t high, int64_t *out, struct error *err)
{
    if (!json_object_is_type(value, json_type_int))
        return field_refuse(err, place, "must be an integer");
    int64_t number = json_object_get_int64(value);
    if (number < low || number > high || (number == INT64_MAX && json_object_get_uint64(value) > INT64_MAX)) {
        char range[96];
        snprintf(range, sizeof range, "must be between %" PRId64 " and %" PRId64, low, high);
        return field_refuse(err, place, range);
    }
    *out = number;
    return 0;
}

int field_integer(json_object *object, const struct place *place, const char *key, int64_t low, int64_t high, int64_t *out,
                       struct error *err)
{
    json_object *value = field_member(object, key);
    struct place here = {place, key, 0};
    return value ? field_take_integer(value, &here, low, high, out, err) : 0;
}

int field_number(json_object *object, const struct place *place, const char *key, int64_t low, int64_t high,
                      struct spec_number *out, struct error *err)
{
    if (!field_member(object, key))
        return 0;
    TRY(field_integer(object, place, key, low, high, &out->value, err));
    out->set = true;
    return 0;
}

int field_id(json_object *object, const struct place *place, const char *key, uint32_t *out, struct error *err)
{
    int64_t number = *out;
    TRY(field_integer(object, place, key, 0, (int64_t)UINT32_MAX - 1, &number, err)); /* 4294967295 means "leave" to the kernel */
    *out = (uint32_t)number;
    return 0;
}

int field_array(json_object *object, const struct place *place, const char *key, json_object **array, size_t *count,
                     struct error *err)
{
    struct place here = {place, key, 0};
    *array = field_member(object, key);
    *count = 0;
    if (!*array)
        return 0;
    if (!json_object_is_type(*array, json_type_array))
        return field_refuse(err, &here, "must be a list");
    *count = json_object_array_length(*array);
    return *count > 65536 ? field_refuse(err, &here, "is too long") : 0;
}

int field_object(json_object *object, const struct place *place, const char *key, json_object **out, struct error *err)
{
    struct place here = {place, key, 0};
    *out = field_member(object, key);
    return *out ? field_check_object(*out, &here, err) : 0;
}

int field_strings(json_object *object, const struct place *place, const char *key, char ***out, struct error *err)
{
    json_object *array;
    size_t count;
    struct place list = {place, key, 0};
    TRY(field_array(object, place, key, &array, &count, err));
    *out = calloc(count + 1, sizeof **out);
    if (!*out)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        TRY(field_take_string(json_object_array_get_idx(array, i), &here, &(*out)[i], err));
    }
    return 0;
}

int field_pairs(json_object *object, const struct place *place, const char *key, struct spec_pair **out, size_t *count,
                     struct error *err)
{
    json_object *map;
    struct place here = {place, key, 0};
    TRY(field_object(object, place, key, &map, err));
    if (!map || json_object_object_length(map) == 0)
        return 0;
    *out = calloc((size_t)json_object_object_length(map), sizeof **out);
    if (!*out)
        return field_no_memory(err);
    json_object_object_foreach(map, name, value)
    {
        struct place entry = {&here, name, 0};
        struct spec_pair *pair = &(*out)[*count];
        *count += 1;
        pair->name = strdup(name);
        if (!pair->name)
            return field_no_memory(err);
        TRY(field_take_string(value, &entry, &pair->value, err));
    }
    return 0;
}

void strings_free(char **strings)
{
    for (char **text = strings; text && *text; text++)
        free(*text);
    free(strings);
}

void pairs_free(struct spec_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].name);
        free(pairs[i].value);
    }
    free(pairs);
}
