package rule

import (
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Namespace is the name of a namespace.
func Namespace() Rule {
	return Text("must be a namespace's name: lower-case letters, digits and dashes, at most 63", `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`,
		func(text string) bool { return len(validation.IsDNS1123Label(text)) == 0 })
}

// GroupVersion is the version of an API.
func GroupVersion() Rule {
	return Text("must be a version or group/version, e.g. apps/v1; the core group if left out", `^(([^/]+/)?[^/]+)?$`, func(text string) bool {
		version, err := schema.ParseGroupVersion(text)
		return err == nil && (text == "" || version.Version != "")
	})
}

// PathSegment is what the API server asks of each part of a path, and autoscaling/v2 of names at their creation.
func PathSegment() Rule {
	return Text("must not be empty, . or .., nor have / or % in it", `^[^/%]+$`,
		func(text string) bool { return text != "" && len(content.IsPathSegmentName(text)) == 0 })
}
