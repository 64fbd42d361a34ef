// Saving and loading modules: state_dict and TorchSharp's file format. A file is a LEB128 count, then for each entry its name
// (BinaryWriter string) and its tensor as TensorExtensionMethods.Save writes it (dtype, rank, sizes, raw elements).
namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>Name to tensor: all parameters, then all persistent buffers. The tensors are the module's own, not copies.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                string Key(string key) => string.IsNullOrEmpty(prefix) ? key : $"{prefix}.{key}";
                foreach (var (key, parameter) in named_parameters()) destination.TryAdd(Key(key), parameter);
                foreach (var (key, buffer) in named_buffers(include_nonpersistent: false)) destination.TryAdd(Key(key), buffer);
                foreach (var (key, child) in _internal_submodules) child.state_dict(destination, Key(key));
                return destination;
            }

            /// <summary>
            /// Copies the values of source in. Returns the names this module has and source lacks, and the reverse; with strict either
            /// is an InvalidOperationException, and nothing has been copied. Names in skip are ignored on both sides.
            /// </summary>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                skip ??= [];
                var destination = state_dict();
                var missing = destination.Keys.Where(k => !skip.Contains(k) && !source.ContainsKey(k)).ToList();
                var unexpected = source.Keys.Where(k => !skip.Contains(k) && !destination.ContainsKey(k)).ToList();
                if (strict && missing.Count + unexpected.Count > 0)
                    throw new InvalidOperationException("The loaded state_dict is not identical to the target dictionary." +
                        (missing.Count > 0 ? $" Missing: {string.Join(", ", missing)}." : "") +
                        (unexpected.Count > 0 ? $" Unexpected: {string.Join(", ", unexpected)}." : ""));
                using var _ = no_grad();
                foreach (var (key, value) in source)
                    if (!skip.Contains(key) && destination.TryGetValue(key, out var target)) target.copy_(value);
                return (missing, unexpected);
            }

            public Module save(string location, IList<string>? skip = null)
            {
                using var stream = File.Create(location);
                return save(stream, skip);
            }

            public Module save(Stream stream, IList<string>? skip = null)
            {
                using var writer = new BinaryWriter(stream);
                return save(writer, skip);
            }

            public Module save(BinaryWriter writer, IList<string>? skip = null)
            {
                save_state_dict(writer, state_dict(), skip);
                return this;
            }

            public static void save_state_dict(BinaryWriter writer, Dictionary<string, Tensor> sd, IList<string>? skip = null)
            {
                var entries = sd.Where(e => skip is null || !skip.Contains(e.Key)).ToList();
                writer.Write7BitEncodedInt(entries.Count);
                foreach (var (key, tensor) in entries)
                {
                    writer.Write(key);
                    tensor.Save(writer);
                }
            }

            public virtual Module load(string location, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                if (!File.Exists(location)) throw new FileNotFoundException(location);
                using var stream = File.OpenRead(location);
                return load(stream, strict, skip, loadedParameters);
            }

            public Module load(Stream stream, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                using var reader = new BinaryReader(stream);
                return load(reader, strict, skip, loadedParameters);
            }

            /// <summary>
            /// Reads values in. With strict the file must have exactly this module's entries (ArgumentException); a tensor of another type or
            /// shape is an ArgumentException either way. loadedParameters receives, for each name in the file, whether the module has it.
            /// </summary>
            public virtual Module load(BinaryReader reader, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                skip ??= [];
                var state = state_dict();
                var count = reader.Read7BitEncodedInt();
                if (strict && count != state.Count)
                    throw new ArgumentException($"Mismatched state_dict sizes: expected {state.Count}, but found {count} entries.");
                for (var i = 0; i < count; i++)
                {
                    var key = reader.ReadString();
                    var found = state.TryGetValue(key, out var target);
                    if (!found && strict)
                        throw new ArgumentException($"Mismatched module state names: the target modules does not have a submodule or buffer named '{key}'");
                    if (!found || skip.Contains(key)) TensorExtensionMethods.Load(reader, skip: true);
                    else target!.Load(reader);
                    loadedParameters?.Add(key, found);
                }
                return this;
            }

            public static Module Create<T>(string path) where T : Module, new() => new T().load(path);
        }
    }
}
