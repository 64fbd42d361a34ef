// Modules made of modules: Sequential, ModuleList, ModuleDict.
using System.Collections;
using System.Diagnostics.CodeAnalysis;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Modules called one after the other; children are named "0", "1", ... unless names are given.</summary>
        public class Sequential : torch.nn.Module<Tensor, Tensor>
        {
            private readonly List<torch.nn.IModule<Tensor, Tensor>> _modules = [];

            protected internal Sequential(params (string name, torch.nn.Module<Tensor, Tensor> submodule)[] modules) : base(nameof(Sequential))
            {
                foreach (var (key, module) in modules) append(key, module);
            }

            protected internal Sequential(params torch.nn.Module<Tensor, Tensor>[] modules) : base(nameof(Sequential))
            {
                foreach (var module in modules) append(module);
            }

            private Sequential(IEnumerable<(string, torch.nn.IModule<Tensor, Tensor>)> part) : base(nameof(Sequential))
            {
                foreach (var (key, module) in part) append(key, module);
            }

            public int Count => _modules.Count;

            public Sequential append(torch.nn.IModule<Tensor, Tensor> module) => append(_modules.Count.ToString(), module);

            public Sequential append(string name, torch.nn.IModule<Tensor, Tensor> module)
            {
                if (module is not torch.nn.Module child) throw new ArgumentException("Only a torch.nn.Module can be part of a Sequential.", nameof(module));
                register_module(name, child);
                _modules.Add(module);
                return this;
            }

            [System.Runtime.CompilerServices.IndexerName("SequentialItems")]
            public torch.nn.IModule<Tensor, Tensor> this[int index] => _modules[index];

            [System.Runtime.CompilerServices.IndexerName("SequentialItems")]
            public Sequential this[(int? start, int? end) index]
            {
                get
                {
                    var (start, end) = (index.start ?? 0, index.end ?? Count);
                    return new Sequential(named_children().Skip(start).Take(end - start)
                        .Select(m => (m.name, (torch.nn.IModule<Tensor, Tensor>)m.module)));
                }
            }

            [System.Runtime.CompilerServices.IndexerName("SequentialItems")]
            public Sequential this[Range index]
            {
                get
                {
                    var (offset, length) = index.GetOffsetAndLength(Count);
                    return this[(offset, offset + length)];
                }
            }

            /// <summary>Without a dispose scope nothing of the chain lingers: what one module hands to the next is disposed (autograd keeps what it needs).</summary>
            public override Tensor forward(Tensor tensor)
            {
                if (_modules.Count == 0) return tensor.alias();
                var x = tensor;
                foreach (var module in _modules)
                {
                    var y = module.call(x);
                    if (!ReferenceEquals(x, tensor) && !ReferenceEquals(x, y)) x.Dispose();
                    x = y;
                }
                return x;
            }
        }

        /// <summary>A list of modules, named "0", "1", ... when the list itself is registered.</summary>
        public class ModuleList<T> : torch.nn.Module, IList<T> where T : torch.nn.Module
        {
            private readonly List<T> _list;

            public ModuleList(params T[] modules) : base(nameof(ModuleList<T>)) => _list = [.. modules];

            protected override void RegisterComponents()
            {
                ClearModules();
                for (var i = 0; i < _list.Count; i++) register_module(i.ToString(), _list[i]);
            }

            private void Changed(Action change)
            {
                change();
                RegisterComponents();
            }

            public T this[int index]
            {
                get => _list[index];
                set => Changed(() => _list[index] = value);
            }

            public int Count => _list.Count;
            public bool IsReadOnly => false;
            public void Add(T item) => Changed(() => _list.Add(item));
            public void append(params T[] parameters) => Changed(() => _list.AddRange(parameters));
            public void extend(IEnumerable<T> modules) => Changed(() => _list.AddRange(modules));
            public void Clear() => Changed(_list.Clear);
            public void Insert(int index, T item) => Changed(() => _list.Insert(index, item));
            public void RemoveAt(int index) => Changed(() => _list.RemoveAt(index));

            public bool Remove(T item)
            {
                var found = _list.Remove(item);
                RegisterComponents();
                return found;
            }

            public bool Contains(T item) => _list.Contains(item);
            public int IndexOf(T item) => _list.IndexOf(item);
            public void CopyTo(T[] array, int arrayIndex) => _list.CopyTo(array, arrayIndex);
            public IEnumerator<T> GetEnumerator() => _list.GetEnumerator();
            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
        }

        /// <summary>Modules by name, in the order in which they were added.</summary>
        public class ModuleDict<T> : torch.nn.Module, IDictionary<string, T>, IList<(string, T)> where T : torch.nn.Module
        {
            private readonly Utils.OrderedDict<string, T> _entries = [];

            public ModuleDict() : base(nameof(ModuleDict<T>)) { }

            internal ModuleDict((string, T)[] modules) : this()
            {
                foreach (var entry in modules) _entries.Add(entry);
                RegisterComponents();
            }

            protected override void RegisterComponents()
            {
                ClearModules();
                foreach (var (key, module) in _entries) register_module(key, module);
            }

            private void Changed(Action change)
            {
                change();
                RegisterComponents();
            }

            public T this[string key]
            {
                get => _entries[key];
                set => Changed(() => _entries[key] = value);
            }

            public (string, T) this[int index]
            {
                get => _entries[index];
                set => Changed(() => _entries[index] = value);
            }

            public int Count => _entries.Count;
            public bool IsReadOnly => false;
            public ICollection<string> Keys => _entries.Keys;
            public ICollection<T> Values => _entries.Values;
            public IEnumerable<string> keys() => _entries.keys();
            public IEnumerable<T> values() => _entries.values();
            public IEnumerator<(string, T)> items() => _entries.items();
            public void Add(string key, T value) => Changed(() => _entries.Add(key, value));
            public void Add((string, T) item) => Add(item.Item1, item.Item2);
            public void Add(KeyValuePair<string, T> item) => Add(item.Key, item.Value);
            public void Insert(int index, (string, T) item) => Changed(() => _entries.Insert(index, item));
            public void RemoveAt(int index) => Changed(() => _entries.RemoveAt(index));
            public void Clear() => Changed(_entries.Clear);
            public void clear() => Clear();

            public bool Remove(string key)
            {
                var found = _entries.Remove(key);
                RegisterComponents();
                return found;
            }

            public bool Remove((string, T) item) => Contains(item) && Remove(item.Item1);
            public bool Remove(KeyValuePair<string, T> item) => Contains(item) && Remove(item.Key);
            public bool Contains((string, T) item) => _entries.Contains(item);
            public bool Contains(KeyValuePair<string, T> item) => _entries.Contains(item);
            public bool ContainsKey(string key) => _entries.ContainsKey(key);
            public bool TryGetValue(string key, [MaybeNullWhen(false)] out T value) => _entries.TryGetValue(key, out value);
            public int IndexOf((string, T) item) => _entries.IndexOf(item);
            public void CopyTo((string, T)[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);
            public void CopyTo(KeyValuePair<string, T>[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);
            public IEnumerator<(string, T)> GetEnumerator() => _entries.GetEnumerator();
            IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator() =>
                ((IEnumerable<KeyValuePair<string, T>>)_entries).GetEnumerator();
            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Sequential Sequential() => new(Array.Empty<Module<Tensor, Tensor>>());
            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);
            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => new(modules);
            public static Sequential Sequential(params Tuple<string, Module<Tensor, Tensor>>[] modules) => new([.. modules.Select(m => (m.Item1, m.Item2))]);
            public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules) => new([.. modules]);
            public static Sequential Sequential(IEnumerable<Tuple<string, Module<Tensor, Tensor>>> modules) => new([.. modules.Select(m => (m.Item1, m.Item2))]);
            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) => new([.. modules]);

            public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
            public static ModuleList<Module> ModuleList(params Module[] modules) => new(modules);
            public static ModuleDict<T> ModuleDict<T>(params (string, T)[] modules) where T : Module => new(modules);
            public static ModuleDict<Module> ModuleDict(params (string, Module)[] modules) => new(modules);
        }
    }
}
