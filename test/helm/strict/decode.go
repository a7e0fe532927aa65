package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	// Each registers its kinds, their defaults and their conversions.
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
)

// object is one document: as it was written, and with the defaults that a server would fill in.
type object struct {
	about   string
	kind    schema.GroupVersionKind
	meta    metav1.Object
	written runtime.Object
	typed   runtime.Object
}

// custom makes the Go types of kinds that a server knows by definitions only.
var custom = map[schema.GroupVersionKind]func() runtime.Object{
	{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}:  func() runtime.Object { return &gateway.HTTPRoute{} },
	{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}: func() runtime.Object { return &monitoring.ServiceMonitor{} },
	{Group: "monitoring.coreos.com", Version: "v1", Kind: "PodMonitor"}:     func() runtime.Object { return &monitoring.PodMonitor{} },
	{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"}: func() runtime.Object { return &monitoring.PrometheusRule{} },
}

func decode(input []byte, found *report) []object {
	var objects []object
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(input)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			found.add("input", "%v", err)
			return objects
		}
		// Strict about YAML: a key that is written twice is a problem here, before it is lost on the way to JSON.
		text, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			found.add("input", "%v\n%s", err, document)
			continue
		}
		if bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
			continue
		}
		if one, ok := decodeOne(text, found); ok {
			objects = append(objects, one)
		}
	}
}

func decodeOne(text []byte, found *report) (object, bool) {
	var head struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.UnmarshalCaseSensitivePreserveInts(text, &head); err != nil {
		found.add("input", "%v", err)
		return object{}, false
	}
	kind := head.GroupVersionKind()
	about := head.Kind + " " + head.Namespace + "/" + head.Name
	written := emptyOf(kind)
	if written == nil {
		found.add(about, "apiVersion %q, kind %q: not a kind that is known here", head.APIVersion, head.Kind)
		return object{}, false
	}
	// Unlike encoding/json this minds case, as a server does.
	strict, err := json.UnmarshalStrict(text, written)
	if err != nil {
		found.add(about, "%v", err)
		return object{}, false
	}
	for _, problem := range strict {
		found.add(about, "%v", problem)
	}
	typed := written.DeepCopyObject()
	legacyscheme.Scheme.Default(typed)
	meta, ok := typed.(metav1.Object)
	return object{about: about, kind: kind, meta: meta, written: written, typed: typed}, ok
}

func emptyOf(kind schema.GroupVersionKind) runtime.Object {
	if make, ok := custom[kind]; ok {
		return make()
	}
	if _, ok := strategies[kind]; !ok {
		return nil
	}
	empty, err := legacyscheme.Scheme.New(kind)
	if err != nil {
		return nil
	}
	return empty
}
