package main

import (
	"context"
	"errors"
	"strings"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
)

// strategies is what kube-apiserver does when an object of that kind is created. A built-in kind, or a version of one,
// that is not in it is refused: a chart that begins to use it must be judged too.
var strategies = map[schema.GroupVersionKind]rest.RESTCreateStrategy{
	{Version: "v1", Kind: "ConfigMap"}:                                     configmap.Strategy,
	{Version: "v1", Kind: "Pod"}:                                           podregistry.Strategy,
	{Version: "v1", Kind: "Secret"}:                                        secret.Strategy,
	{Version: "v1", Kind: "Service"}:                                       service.Strategy,
	{Version: "v1", Kind: "ServiceAccount"}:                                serviceaccount.Strategy,
	{Group: "apps", Version: "v1", Kind: "Deployment"}:                     deployment.Strategy,
	{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}: horizontalpodautoscaler.Strategy,
	{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}:           ingress.Strategy,
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"}:     networkpolicy.Strategy,
	{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}:          poddisruptionbudget.Strategy,
}

// warnings are what a server sends to the user in a Warning field.
type warnings struct {
	about string
	found *report
}

func (w warnings) AddWarning(_, text string) { w.found.add(w.about, "warning: %s", text) }

// judgeAsServer converts to the internal version and validates, as the creation of the object would.
func judgeAsServer(one object, found *report) {
	strategy, ok := strategies[one.kind]
	if !ok {
		return
	}
	if service, ok := one.typed.(*core.Service); ok {
		allocate(&service.Spec)
	}
	internal, err := legacyscheme.Scheme.ConvertToVersion(one.typed, schema.GroupVersion{Group: one.kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		found.add(one.about, "%v", err)
		return
	}
	ctx := request.WithNamespace(context.Background(), one.meta.GetNamespace())
	ctx = request.WithRequestInfo(ctx, &request.RequestInfo{
		IsResourceRequest: true,
		Verb:              "create",
		APIGroup:          one.kind.Group,
		APIVersion:        one.kind.Version,
		Namespace:         one.meta.GetNamespace(),
		Name:              one.meta.GetName(),
	})
	ctx = warning.WithWarningRecorder(ctx, warnings{one.about, found})
	if meta, ok := internal.(metav1.Object); ok {
		rest.FillObjectMetaSystemFields(meta)
	}
	err = rest.BeforeCreate(strategy, ctx, internal)
	var status *apierrors.StatusError
	if errors.As(err, &status) && status.ErrStatus.Details != nil && len(status.ErrStatus.Details.Causes) > 0 {
		for _, cause := range status.ErrStatus.Details.Causes {
			found.add(one.about, "%s: %s", cause.Field, cause.Message)
		}
		return
	}
	if err != nil {
		found.add(one.about, "%v", err)
	}
}

// allocate fills in what the storage of a server gives a Service before it is validated.
func allocate(spec *core.ServiceSpec) {
	if spec.ClusterIP != "" && spec.ClusterIPs == nil {
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
	if spec.Type == core.ServiceTypeLoadBalancer && spec.ExternalTrafficPolicy == core.ServiceExternalTrafficPolicyLocal && spec.HealthCheckNodePort == 0 {
		spec.HealthCheckNodePort = 32000
	}
}

// judgeMetadata asks more than a server: a namespace that is written out, and a name that fits into a label and into a
// DNS name whatever the kind.
func judgeMetadata(one object, namespace string, found *report) {
	switch given := one.meta.GetNamespace(); {
	case given == "":
		found.add(one.about, "metadata.namespace: missing (CH-10)")
	case namespace != "" && given != namespace:
		found.add(one.about, "metadata.namespace: %q, expected %q (CH-10)", given, namespace)
	}
	if problems := validation.IsDNS1123Label(one.meta.GetName()); len(problems) > 0 {
		found.add(one.about, "metadata.name: %q: %s (CT-7)", one.meta.GetName(), strings.Join(problems, "; "))
	}
	for key, value := range one.meta.GetLabels() {
		if problems := validation.IsValidLabelValue(value); len(problems) > 0 {
			found.add(one.about, "metadata.labels.%s: %s", key, strings.Join(problems, "; "))
		}
	}
}
