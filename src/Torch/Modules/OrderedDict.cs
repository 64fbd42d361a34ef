// The dictionary that keeps the order in which entries were added: parameters, buffers and children of a module, states of
// an optimizer. Lookup goes through an index, so a module with many parts stays linear to build.
using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace TorchSharp.Utils;

/// <summary>A dictionary that enumerates as (key, value) tuples in insertion order. A second entry of a key throws ArgumentException.</summary>
public class OrderedDict<TKey, TValue> : IDictionary<TKey, TValue>, IList<(TKey, TValue)> where TKey : notnull
{
    private readonly List<(TKey Key, TValue Value)> _entries = [];
    private readonly Dictionary<TKey, TValue> _lookup = [];

    public TValue this[TKey key]
    {
        get => _lookup[key];
        set
        {
            if (_lookup.ContainsKey(key)) _entries[IndexOf(key)] = (key, value);
            else _entries.Add((key, value));
            _lookup[key] = value;
        }
    }

    public (TKey, TValue) this[int index]
    {
        get => _entries[index];
        set
        {
            var old = _entries[index].Key;
            if (!EqualityComparer<TKey>.Default.Equals(old, value.Item1) && _lookup.ContainsKey(value.Item1))
                throw new ArgumentException($"An entry '{value.Item1}' is present already.", nameof(value));
            _lookup.Remove(old);
            _lookup[value.Item1] = value.Item2;
            _entries[index] = value;
        }
    }

    public int Count => _entries.Count;
    public bool IsReadOnly => false;
    public ICollection<TKey> Keys => _entries.ConvertAll(e => e.Key);
    public ICollection<TValue> Values => _entries.ConvertAll(e => e.Value);
    public IEnumerable<TKey> keys() => _entries.Select(e => e.Key);
    public IEnumerable<TValue> values() => _entries.Select(e => e.Value);
    public IEnumerator<(TKey, TValue)> items() => _entries.GetEnumerator();

    public void Add(TKey key, TValue value)
    {
        _lookup.Add(key, value);
        _entries.Add((key, value));
    }

    public void Add((TKey, TValue) item) => Add(item.Item1, item.Item2);
    public void Add(KeyValuePair<TKey, TValue> item) => Add(item.Key, item.Value);

    public void Insert(int index, (TKey, TValue) item)
    {
        _lookup.Add(item.Item1, item.Item2);
        _entries.Insert(index, item);
    }

    public bool Remove(TKey key)
    {
        if (!_lookup.Remove(key)) return false;
        _entries.RemoveAt(IndexOf(key));
        return true;
    }

    public bool Remove((TKey, TValue) item) => Contains(item) && Remove(item.Item1);
    public bool Remove(KeyValuePair<TKey, TValue> item) => Contains(item) && Remove(item.Key);

    public void RemoveAt(int index)
    {
        _lookup.Remove(_entries[index].Key);
        _entries.RemoveAt(index);
    }

    public void Clear()
    {
        _lookup.Clear();
        _entries.Clear();
    }

    public void clear() => Clear();
    public bool ContainsKey(TKey key) => _lookup.ContainsKey(key);
    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => _lookup.TryGetValue(key, out value);
    public bool Contains((TKey, TValue) item) => _lookup.TryGetValue(item.Item1, out var v) && EqualityComparer<TValue>.Default.Equals(v, item.Item2);
    public bool Contains(KeyValuePair<TKey, TValue> item) => Contains((item.Key, item.Value));
    public int IndexOf((TKey, TValue) item) => _entries.IndexOf(item);
    public void CopyTo((TKey, TValue)[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);

    public void CopyTo(KeyValuePair<TKey, TValue>[] array, int arrayIndex)
    {
        foreach (var (key, value) in _entries) array[arrayIndex++] = new(key, value);
    }

    public IEnumerator<(TKey, TValue)> GetEnumerator() => _entries.GetEnumerator();
    IEnumerator<KeyValuePair<TKey, TValue>> IEnumerable<KeyValuePair<TKey, TValue>>.GetEnumerator() =>
        _entries.Select(e => new KeyValuePair<TKey, TValue>(e.Key, e.Value)).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => _entries.GetEnumerator();

    private int IndexOf(TKey key) => _entries.FindIndex(e => EqualityComparer<TKey>.Default.Equals(e.Key, key));
}

/// <summary>Names the component that a field holds, where the field's own name would not do.</summary>
[AttributeUsage(AttributeTargets.Field)]
public class ComponentNameAttribute : Attribute
{
    public string? Name { get; set; }
}
