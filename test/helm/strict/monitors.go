package main

import (
	"slices"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (s scene) serviceMonitor(one object, typed *monitoring.ServiceMonitor) {
	var hit []*core.Service
	for _, candidate := range s.objects {
		service, ok := candidate.typed.(*core.Service)
		if ok && s.inScope(one, typed.Spec.NamespaceSelector, service.Namespace) && matches(&typed.Spec.Selector, service.Labels) {
			hit = append(hit, service)
		}
	}
	if len(hit) != 1 {
		s.found.add(one.about, "its selector hits %d Services, not one (CH-7)", len(hit))
		return
	}
	for _, endpoint := range typed.Spec.Endpoints {
		if !slices.ContainsFunc(hit[0].Spec.Ports, func(port core.ServicePort) bool { return port.Name == endpoint.Port }) {
			s.found.add(one.about, "scrapes port %q, which Service %s does not have (CH-7)", endpoint.Port, hit[0].Name)
		}
	}
}

func (s scene) inScope(one object, selector monitoring.NamespaceSelector, namespace string) bool {
	if selector.Any {
		return true
	}
	if len(selector.MatchNames) > 0 {
		return slices.Contains(selector.MatchNames, namespace)
	}
	return one.meta.GetNamespace() == namespace
}

func (s scene) podMonitor(one object, typed *monitoring.PodMonitor) {
	hit, ok := s.selects(one, &typed.Spec.Selector)
	if !ok {
		return
	}
	for _, endpoint := range typed.Spec.PodMetricsEndpoints {
		if endpoint.Port == nil || !hasPort(hit.listening(), intstr.FromString(*endpoint.Port)) {
			s.found.add(one.about, "scrapes a port that %s does not have (CH-7)", hit.about)
		}
	}
}
