package kube

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// ListWatch lists and watches the objects that a query asks for, for client-go's reflector; newList gives an empty list of
// theirs. A list ends within the timeout of every call, and a watch when the server ends it, or its context.
func (c *Client) ListWatch(path Path, query Query, newList func() runtime.Object) *cache.ListWatch {
	request := func(options metav1.ListOptions) *rest.Request {
		request := path.on(c.rest.Get()).SpecificallyVersionedParams(&options, metav1.ParameterCodec, schema.GroupVersion{Version: "v1"})
		for name, value := range query {
			request = request.Param(name, value)
		}
		return request
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			ctx, cancel := context.WithTimeout(ctx, c.timeout)
			defer cancel()
			list := newList()
			return list, c.explain("list", path, decode(request(options).Do(ctx), list))
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			events, err := request(options).Watch(ctx)
			return events, c.explain("watch", path, err)
		},
	}
}
