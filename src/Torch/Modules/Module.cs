// torch.nn.Module: a tree of named parameters, buffers and child modules. Everything here is managed; the tensors alone live in
// libtorch. Saving and loading are in ModuleState.cs, moving between devices and types in ModuleMove.cs, calling in ModuleCall.cs.
using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>
        /// The base of all modules. A subclass assigns tensors, Parameters and modules to fields and ends its constructor with
        /// RegisterComponents(), which registers each under the name of its field.
        /// </summary>
        public partial class Module : IDisposable
        {
            protected OrderedDict<string, Module> _internal_submodules = [];
            protected OrderedDict<string, (Tensor, bool)> _internal_buffers = [];
            protected OrderedDict<string, Parameter> _internal_params = [];
            protected string? name;
            private bool _training = true;
            private bool _registered;
            private bool _disposed;

            protected Module(string name) => this.name = name;

            public virtual bool training => _training;

            public virtual string GetName() => string.IsNullOrEmpty(name) ? GetType().Name : name;

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || _disposed) return;
                _disposed = true;
                foreach (var (_, (buffer, _)) in _internal_buffers) buffer.Dispose();
                foreach (var (_, parameter) in _internal_params) parameter.Dispose();
                foreach (var (_, child) in _internal_submodules) child.Dispose();
            }

            /// <summary>Applies fn to every module below, then to this one.</summary>
            public virtual Module apply(Action<Module> fn)
            {
                foreach (var (_, child) in _internal_submodules) child.apply(fn);
                fn(this);
                return this;
            }

            public virtual void train(bool train = true)
            {
                _training = train;
                foreach (var (_, child) in named_children()) child.train(train);
            }

            public virtual void eval() => train(false);

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var (_, parameter) in named_parameters())
                {
                    using var grad = parameter.grad;
                    if (grad is null) continue;
                    if (set_to_none) parameter.grad = null;
                    else grad.zero_();
                }
            }

            /// <summary>Own parameters first, then those of each child under "child."; a shared parameter appears once, a disposed one not at all.</summary>
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<IntPtr>();
                foreach (var (key, parameter) in _internal_params)
                    if (!parameter.IsInvalid && seen.Add(parameter.Handle)) yield return (key, parameter);
                if (!recurse) yield break;
                foreach (var (child, module) in _internal_submodules)
                    foreach (var (key, parameter) in module.named_parameters())
                        if (seen.Add(parameter.Handle)) yield return ($"{child}.{key}", parameter);
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            /// <summary>Persistent buffers, in the order of named_parameters. TorchSharp leaves non-persistent ones out whatever include_nonpersistent says.</summary>
            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<IntPtr>();
                foreach (var (key, (buffer, persistent)) in _internal_buffers)
                    if (persistent && !buffer.IsInvalid && seen.Add(buffer.Handle)) yield return (key, buffer);
                if (!recurse) yield break;
                foreach (var (child, module) in _internal_submodules)
                    foreach (var (key, buffer) in module.named_buffers(true, include_nonpersistent))
                        if (seen.Add(buffer.Handle)) yield return ($"{child}.{key}", buffer);
            }

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(b => b.buffer);

            public virtual IEnumerable<(string name, Module module)> named_children() => _internal_submodules;

            /// <summary>All modules below this one (not this one itself): the children, then what is below each.</summary>
            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var child in _internal_submodules) yield return child;
                foreach (var (child, module) in _internal_submodules)
                    foreach (var (key, below) in module.named_modules()) yield return ($"{child}.{key}", below);
            }

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module);
            public virtual IEnumerable<Module> children() => named_children().Select(m => m.module);

            protected virtual (string name, Parameter parameter)[] _named_parameters() => [.. named_parameters(false)];
            protected virtual (string name, Tensor buffer)[] _named_buffers() => [.. named_buffers(false)];
            protected virtual Parameter[] _parameters(bool recurse = true) => [.. parameters(recurse)];

            public virtual bool has_parameter(string target) => Find(target, out var module, out var key) && module._internal_params.ContainsKey(key);
            public virtual bool has_buffer(string target) => Find(target, out var module, out var key) && module._internal_buffers.ContainsKey(key);
            public virtual Parameter? get_parameter(string target) =>
                Find(target, out var module, out var key) && module._internal_params.TryGetValue(key, out var parameter) ? parameter : null;
            public virtual Tensor? get_buffer(string target) =>
                Find(target, out var module, out var key) && module._internal_buffers.TryGetValue(key, out var buffer) ? buffer.Item1 : null;

            /// <summary>The module that owns a dotted name, and the last part of it.</summary>
            private bool Find(string target, out Module module, out string key)
            {
                module = this;
                var parts = target.Split('.');
                key = parts[^1];
                foreach (var part in parts[..^1])
                {
                    if (!module._internal_submodules.TryGetValue(part, out var child)) return false;
                    module = child;
                }
                return true;
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid) throw new ArgumentNullException(nameof(tensor), "A null tensor cannot be registered as a buffer.");
                if (_internal_buffers.ContainsKey(name)) throw new InvalidOperationException($"Tensor {name} is already registered.");
                _internal_buffers.Add(name, (tensor, persistent));
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid) throw new ArgumentNullException(nameof(param), "A null tensor cannot be registered as a parameter.");
                if (_internal_params.ContainsKey(name)) throw new InvalidOperationException($"Parameter {name} is already registered.");
                _internal_params.Add(name, param);
            }

            public void add_module(string name, Module module) => register_module(name, module);

            /// <summary>Adds a child, whose own fields are registered with it. A null (or disposed) child removes the entry of that name.</summary>
            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null || submodule._disposed)
                {
                    _internal_submodules.Remove(name);
                    return;
                }
                if (string.IsNullOrEmpty(name)) throw new ArgumentException("module name can't be empty string \"\"", nameof(name));
                if (name.Contains('.')) throw new ArgumentException($"module name can't contain \".\", got: {name}", nameof(name));
                if (_internal_submodules.ContainsKey(name)) throw new InvalidOperationException($"Sub-module {name} is already registered.");
                submodule.RegisterComponents();
                _internal_submodules.Add(name, submodule);
            }

            protected void ConditionallyRegisterParameter(string name, Tensor value) =>
                ConditionallyRegisterParameter(name, value is null ? null : value as Parameter ?? new Parameter(value));

            protected void ConditionallyRegisterParameter(string name, Parameter? value)
            {
                if (value is null) _internal_params.Remove(name);
                else _internal_params[name] = value;
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor? value, bool persistent = true)
            {
                if (value is null) _internal_buffers.Remove(name);
                else _internal_buffers[name] = (value, persistent);
            }

            /// <summary>
            /// Registers what the fields hold: modules, Parameters, and other tensors as buffers, in the order of declaration, the
            /// type's own fields before those of its base types. Names taken already are left alone. Runs once.
            /// </summary>
            protected virtual void RegisterComponents()
            {
                if (_registered) return;
                foreach (var field in Fields())
                {
                    var key = ComponentName(field);
                    if (_internal_submodules.ContainsKey(key) || _internal_params.ContainsKey(key) || _internal_buffers.ContainsKey(key)) continue;
                    switch (field.GetValue(this))
                    {
                        case Module module: register_module(key, module); break;
                        case Parameter parameter: register_parameter(key, parameter); break;
                        case Tensor tensor: register_buffer(key, tensor); break;
                    }
                }
                _registered = true;
            }

            protected void ClearModules() => _internal_submodules.Clear();

            protected static (Device device, ScalarType dtype) GetDefaultDeviceAndType(Device? device = null, ScalarType? dtype = null) =>
                (device ?? get_default_device(), dtype ?? get_default_dtype());

            private IEnumerable<FieldInfo> Fields()
            {
                var seen = new HashSet<string>();
                for (var type = GetType(); type is not null && type != typeof(Module); type = type.BaseType)
                    foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly))
                        if (seen.Add(field.Name)) yield return field;
            }

            private static string ComponentName(FieldInfo field) => field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;
        }
    }
}
