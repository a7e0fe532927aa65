package main

import (
	"slices"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// scene is everything that was rendered, looked at from one object of it.
type scene struct {
	objects  []object
	pods     []pod
	external []string
	found    *report
}

// judgeAgreement is about objects that name or select one another. A server accepts each alone; only together do they
// work. What selects must hit one workload: of two releases in one namespace neither may reach for the other.
func judgeAgreement(objects []object, pods []pod, external []string, found *report) {
	all := scene{objects, pods, external, found}
	seen := map[string]bool{}
	for _, one := range objects {
		if seen[one.about] {
			found.add(one.about, "is there twice")
		}
		seen[one.about] = true
		switch typed := one.typed.(type) {
		case *apps.Deployment:
			all.deployment(one, typed)
		case *core.Service:
			all.service(one, typed)
		case *policy.PodDisruptionBudget:
			all.selects(one, typed.Spec.Selector)
		case *networking.NetworkPolicy:
			all.networkPolicy(one, typed)
		case *autoscaling.HorizontalPodAutoscaler:
			all.autoscaler(one, typed)
		case *networking.Ingress:
			all.ingress(one, typed)
		case *gateway.HTTPRoute:
			all.route(one, typed)
		case *monitoring.ServiceMonitor:
			all.serviceMonitor(one, typed)
		case *monitoring.PodMonitor:
			all.podMonitor(one, typed)
		}
	}
	for _, pod := range pods {
		all.references(pod)
	}
}

func (s scene) find(kind, namespace, name string) (object, bool) {
	index := slices.IndexFunc(s.objects, func(one object) bool {
		return one.kind.Kind == kind && one.meta.GetNamespace() == namespace && one.meta.GetName() == name
	})
	if index < 0 {
		return object{}, false
	}
	return s.objects[index], true
}

// selects returns the one workload that the selector hits.
func (s scene) selects(one object, selector *metav1.LabelSelector) (pod, bool) {
	var hit []pod
	for _, candidate := range s.pods {
		if candidate.namespace != one.meta.GetNamespace() || !matches(selector, candidate.meta.Labels) {
			continue
		}
		if candidate.workload {
			hit = append(hit, candidate)
		} else {
			s.found.add(one.about, "its selector hits %s, which is no workload", candidate.about)
		}
	}
	if len(hit) != 1 {
		s.found.add(one.about, "its selector hits %d workloads, not one (CH-6)", len(hit))
		return pod{}, false
	}
	return hit[0], true
}

func (s scene) deployment(one object, typed *apps.Deployment) {
	for _, key := range []string{"app.kubernetes.io/version", "helm.sh/chart"} {
		if _, ok := typed.Spec.Selector.MatchLabels[key]; ok {
			s.found.add(one.about, "spec.selector: %s changes with the version (CH-6)", key)
		}
	}
	s.selects(one, typed.Spec.Selector)
}

func (s scene) service(one object, typed *core.Service) {
	if len(typed.Spec.Selector) == 0 {
		return
	}
	hit, ok := s.selects(one, &metav1.LabelSelector{MatchLabels: typed.Spec.Selector})
	if !ok {
		return
	}
	for _, port := range typed.Spec.Ports {
		if !hasPort(hit.listening(), port.TargetPort) {
			s.found.add(one.about, "port %d goes to port %s, which %s does not have", port.Port, port.TargetPort.String(), hit.about)
		}
	}
}

func (s scene) networkPolicy(one object, typed *networking.NetworkPolicy) {
	hit, ok := s.selects(one, &typed.Spec.PodSelector)
	if !ok {
		return
	}
	for _, rule := range typed.Spec.Ingress {
		for _, port := range rule.Ports {
			if port.Port != nil && port.EndPort == nil && !hasPort(hit.listening(), *port.Port) {
				s.found.add(one.about, "admits port %s, which %s does not have", port.Port.String(), hit.about)
			}
		}
	}
}

func (s scene) autoscaler(one object, typed *autoscaling.HorizontalPodAutoscaler) {
	target := typed.Spec.ScaleTargetRef
	scaled, ok := s.find(target.Kind, typed.Namespace, target.Name)
	if !ok {
		s.found.add(one.about, "scales %s %s, which is not there", target.Kind, target.Name)
		return
	}
	written, ok := scaled.written.(*apps.Deployment)
	if !ok {
		s.found.add(one.about, "scales a %s", target.Kind)
		return
	}
	if written.Spec.Replicas != nil {
		s.found.add(one.about, "%s has replicas, which every upgrade would set again (CH-2)", scaled.about)
	}
	for _, metric := range typed.Spec.Metrics {
		if metric.ContainerResource != nil && !slices.ContainsFunc(written.Spec.Template.Spec.Containers, func(c core.Container) bool {
			return c.Name == metric.ContainerResource.Container
		}) {
			s.found.add(one.about, "measures container %s, which is not there", metric.ContainerResource.Container)
		}
	}
}

func (s scene) ingress(one object, typed *networking.Ingress) {
	for _, rule := range typed.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			if backend := path.Backend.Service; backend != nil {
				port := intstr.FromInt32(backend.Port.Number)
				if backend.Port.Name != "" {
					port = intstr.FromString(backend.Port.Name)
				}
				s.backend(one, backend.Name, port)
			}
		}
	}
}

func (s scene) route(one object, typed *gateway.HTTPRoute) {
	for _, rule := range typed.Spec.Rules {
		for _, backend := range rule.BackendRefs {
			if backend.Port == nil {
				s.found.add(one.about, "a backend needs a port")
				continue
			}
			s.backend(one, string(backend.Name), intstr.FromInt32(int32(*backend.Port)))
		}
	}
}

func (s scene) backend(one object, name string, port intstr.IntOrString) {
	found, ok := s.find("Service", one.meta.GetNamespace(), name)
	if !ok {
		s.found.add(one.about, "sends to the Service %s, which is not there", name)
		return
	}
	service, ok := found.typed.(*core.Service)
	if ok && !slices.ContainsFunc(service.Spec.Ports, func(candidate core.ServicePort) bool {
		return candidate.Name == port.StrVal && port.Type == intstr.String || candidate.Port == port.IntVal && port.Type == intstr.Int
	}) {
		s.found.add(one.about, "sends to port %s, which %s does not have", port.String(), found.about)
	}
}
