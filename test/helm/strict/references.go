package main

import (
	"slices"

	core "k8s.io/api/core/v1"
)

// references is about what a pod needs before it can start: without it the pod waits for ever, and nothing says so at
// install time. What is marked optional may be missing.
func (s scene) references(pod pod) {
	for _, volume := range pod.spec.Volumes {
		if source := volume.ConfigMap; source != nil {
			s.needs(pod, "ConfigMap", source.Name, source.Optional)
		}
		if source := volume.Secret; source != nil {
			s.needs(pod, "Secret", source.SecretName, source.Optional)
		}
		if volume.Projected != nil {
			s.projected(pod, volume.Projected.Sources)
		}
	}
	for _, container := range pod.containers() {
		s.environment(pod, container)
	}
	if account := pod.spec.ServiceAccountName; account != "" && account != "default" {
		s.needs(pod, "ServiceAccount", account, nil)
	}
}

func (s scene) projected(pod pod, sources []core.VolumeProjection) {
	for _, source := range sources {
		if source.ConfigMap != nil {
			s.needs(pod, "ConfigMap", source.ConfigMap.Name, source.ConfigMap.Optional)
		}
		if source.Secret != nil {
			s.needs(pod, "Secret", source.Secret.Name, source.Secret.Optional)
		}
	}
}

func (s scene) environment(pod pod, container core.Container) {
	for _, source := range container.EnvFrom {
		if source.ConfigMapRef != nil {
			s.needs(pod, "ConfigMap", source.ConfigMapRef.Name, source.ConfigMapRef.Optional)
		}
		if source.SecretRef != nil {
			s.needs(pod, "Secret", source.SecretRef.Name, source.SecretRef.Optional)
		}
	}
	for _, variable := range container.Env {
		if variable.ValueFrom == nil {
			continue
		}
		if source := variable.ValueFrom.ConfigMapKeyRef; source != nil {
			s.needs(pod, "ConfigMap", source.Name, source.Optional)
		}
		if source := variable.ValueFrom.SecretKeyRef; source != nil {
			s.needs(pod, "Secret", source.Name, source.Optional)
		}
	}
}

func (s scene) needs(pod pod, kind, name string, optional *bool) {
	if optional != nil && *optional || slices.Contains(s.external, name) {
		return
	}
	if _, ok := s.find(kind, pod.namespace, name); !ok {
		s.found.add(pod.about, "needs the %s %q, which is neither rendered nor named in the values", kind, name)
	}
}
