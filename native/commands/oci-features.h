/* commands/oci-features.h: what this runtime understands of the OCI specification, as its `features` document says it. */
#ifndef SLIPWAY_COMMANDS_OCI_FEATURES_H
#define SLIPWAY_COMMANDS_OCI_FEATURES_H

#include <json-c/json.h>

#define OCI_SPEC_VERSION "1.2.0"

json_object *oci_features(void);

#endif
