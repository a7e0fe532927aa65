package main

import (
	"slices"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// pod is the template of a workload, or a pod that is written as such.
type pod struct {
	about     string
	owner     string
	namespace string
	meta      *metav1.ObjectMeta
	spec      *core.PodSpec
	// workload is false for a pod that runs once, as that of `helm test`: nothing may select it.
	workload bool
}

func podsOf(objects []object) []pod {
	var pods []pod
	for _, one := range objects {
		switch typed := one.typed.(type) {
		case *apps.Deployment:
			template := &typed.Spec.Template
			pods = append(pods, pod{one.about, typed.Name, typed.Namespace, &template.ObjectMeta, &template.Spec, true})
		case *core.Pod:
			pods = append(pods, pod{one.about, typed.Name, typed.Namespace, &typed.ObjectMeta, &typed.Spec, false})
		}
	}
	return pods
}

func (p pod) containers() []core.Container {
	return slices.Concat(p.spec.InitContainers, p.spec.Containers)
}

// listening is every port of what runs as long as the pod: containers, and init containers that are restarted.
func (p pod) listening() []core.ContainerPort {
	var ports []core.ContainerPort
	for _, container := range p.spec.InitContainers {
		if container.RestartPolicy != nil && *container.RestartPolicy == core.ContainerRestartPolicyAlways {
			ports = append(ports, container.Ports...)
		}
	}
	for _, container := range p.spec.Containers {
		ports = append(ports, container.Ports...)
	}
	return ports
}

func hasPort(ports []core.ContainerPort, wanted intstr.IntOrString) bool {
	return slices.ContainsFunc(ports, func(port core.ContainerPort) bool {
		if wanted.Type == intstr.String {
			return port.Name == wanted.StrVal
		}
		return port.ContainerPort == wanted.IntVal
	})
}

// judgePod is about what a server takes and a kubelet then fails on, or what silently does nothing.
func judgePod(pod pod, found *report) {
	names := map[string]bool{}
	for _, port := range pod.listening() {
		if port.Name != "" && names[port.Name] {
			found.add(pod.about, "port name %q is used twice in the pod", port.Name)
		}
		names[port.Name] = true
	}
	replaceable := map[string]bool{}
	for _, volume := range pod.spec.Volumes {
		replaceable[volume.Name] = volume.ConfigMap != nil || volume.Secret != nil || volume.Projected != nil
	}
	mounted := map[string]bool{}
	for _, container := range pod.containers() {
		about := pod.about + ", container " + container.Name
		judgeProbes(pod, container, about, found)
		for _, mount := range container.VolumeMounts {
			mounted[mount.Name] = true
			if mount.SubPath != "" && replaceable[mount.Name] {
				found.add(about, "mount %s: a subPath is never updated (OP-2, CH-12)", mount.MountPath)
			}
		}
	}
	for _, volume := range pod.spec.Volumes {
		if !mounted[volume.Name] {
			found.add(pod.about, "volume %s is mounted nowhere", volume.Name)
		}
	}
	for index, spread := range pod.spec.TopologySpreadConstraints {
		if !matches(spread.LabelSelector, pod.meta.Labels) {
			found.add(pod.about, "topologySpreadConstraints[%d] does not count the pods of its own workload", index)
		}
	}
}

// judgeProbes: a name is looked up in the container alone; a number is a port of the pod's address, so that the API behind
// a sidecar can be asked through it.
func judgeProbes(pod pod, container core.Container, about string, found *report) {
	has := func(port intstr.IntOrString) bool {
		return hasPort(container.Ports, port) || port.Type == intstr.Int && hasPort(pod.listening(), port)
	}
	asked := map[string]*core.Probe{
		"startupProbe":   container.StartupProbe,
		"readinessProbe": container.ReadinessProbe,
		"livenessProbe":  container.LivenessProbe,
	}
	for name, probe := range asked {
		if probe != nil && probe.HTTPGet != nil && !has(probe.HTTPGet.Port) {
			found.add(about, "%s: the container has no port %s", name, probe.HTTPGet.Port.String())
		}
	}
	if hooks := container.Lifecycle; hooks != nil && hooks.PreStop != nil && hooks.PreStop.HTTPGet != nil {
		if port := hooks.PreStop.HTTPGet.Port; !has(port) {
			found.add(about, "lifecycle.preStop: the container has no port %s", port.String())
		}
	}
}

func matches(selector *metav1.LabelSelector, candidate map[string]string) bool {
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && compiled.Matches(labels.Set(candidate))
}
