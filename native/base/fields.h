/* base/fields.h: the members of a JSON object, each read with its type and range; what is wrong is said with its place in the document. */
#ifndef SLIPWAY_BASE_FIELDS_H
#define SLIPWAY_BASE_FIELDS_H

#include "error.h"
#include "spec.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in the document we are, for messages: "process.rlimits[3]". */
struct place {
    const struct place *parent;
    const char *key;
    size_t index; /* used where key is NULL */
};

/* "config.json: PLACE WHAT". */
int field_refuse(struct error *err, const struct place *place, const char *what);
int field_no_memory(struct error *err);

/* The member, or NULL where absent or null. */
json_object *field_member(json_object *object, const char *key);
int field_check_object(json_object *json, const struct place *place, struct error *err);
/* An object with these keys at most: what is not in `known` (NULL-terminated) and not empty is refused by its name. */
int field_check_keys(json_object *object, const struct place *place, const char *const *known, struct error *err);
int field_take_string(json_object *value, const struct place *place, char **out, struct error *err);
int field_take_integer(json_object *value, const struct place *place, int64_t low, int64_t high, int64_t *out, struct error *err);

/* Each leaves *out as it is where the key is absent. */
int field_string(json_object *object, const struct place *place, const char *key, char **out, struct error *err);
int field_bool(json_object *object, const struct place *place, const char *key, bool *out, struct error *err);
int field_integer(json_object *object, const struct place *place, const char *key, int64_t low, int64_t high, int64_t *out, struct error *err);
int field_number(json_object *object, const struct place *place, const char *key, int64_t low, int64_t high, struct spec_number *out,
                 struct error *err);
int field_id(json_object *object, const struct place *place, const char *key, uint32_t *out, struct error *err);
/* The array, or NULL where absent; *count is its length. */
int field_array(json_object *object, const struct place *place, const char *key, json_object **array, size_t *count, struct error *err);
int field_object(json_object *object, const struct place *place, const char *key, json_object **out, struct error *err);
/* NULL-terminated, freed with strings_free. */
int field_strings(json_object *object, const struct place *place, const char *key, char ***out, struct error *err);
int field_pairs(json_object *object, const struct place *place, const char *key, struct spec_pair **out, size_t *count, struct error *err);

void strings_free(char **strings);
void pairs_free(struct spec_pair *pairs, size_t count);

#endif
