package scaffold

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// longestName leaves room for "-autoscaler" in the 63 letters that an object's name may have.
const longestName = 52

var kind = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)

// scalable are the kinds of apps/v1 that have a scale subresource.
var scalable = []string{"Deployment", "StatefulSet", "ReplicaSet"}

// Validate says all that is wrong with the values, each with the flag that it came by and its rule.
func (v Values) Validate() error {
	var wrong []error
	refuse := func(flag, value, rule string) {
		wrong = append(wrong, fmt.Errorf("--%s: %q is not allowed: %s", flag, value, rule))
	}
	if !slices.Contains(Names(), v.Language) {
		refuse("language", v.Language, "must be one of "+strings.Join(Names(), ", "))
	}
	if len(validation.IsDNS1123Subdomain(v.Name)) > 0 || len(v.Name) > longestName {
		refuse("name", v.Name, fmt.Sprintf("must be the name of a workload: lower-case letters, digits, dashes and dots, a letter or digit first and last, at most %d", longestName))
	}
	if !kind.MatchString(v.Kind) {
		refuse("kind", v.Kind, "must be a kind as the cluster spells it, e.g. Deployment")
	}
	switch {
	case !isVersion(v.APIVersion):
		refuse("api-version", v.APIVersion, "must be a version or group/version, e.g. apps/v1")
	case v.APIVersion == "apps/v1" && !slices.Contains(scalable, v.Kind):
		refuse("kind", v.Kind, "apps/v1 has no such kind that can be scaled, only "+strings.Join(scalable, ", ")+"; say where it is with --api-version, e.g. argoproj.io/v1alpha1 for a Rollout")
	}
	if len(validation.IsDNS1123Label(v.Namespace)) > 0 {
		refuse("namespace", v.Namespace, "must be a namespace's name: lower-case letters, digits and dashes, at most 63")
	}
	return errors.Join(wrong...)
}

func isVersion(text string) bool {
	version, err := schema.ParseGroupVersion(text)
	return err == nil && len(validation.IsDNS1035Label(version.Version)) == 0 &&
		(version.Group == "" || len(validation.IsDNS1123Subdomain(version.Group)) == 0)
}
