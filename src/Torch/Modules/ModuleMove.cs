// Moving a module to another device or floating type, in place. A Parameter that has to change becomes a new object (its gradient
// moves with it) and the old one is disposed: build optimizers afterwards.
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            public Module _to(Tensor other, bool non_blocking)
            {
                _to(other.dtype, non_blocking);
                return _to(other.device_type, other.device_index, non_blocking);
            }

            protected internal virtual Module _to(Device device, ScalarType dtype, bool non_blocking) => Move(device, dtype);
            protected internal virtual Module _to(ScalarType dtype, bool non_blocking) => Move(null, dtype);
            protected internal virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) =>
                Move(new Device(deviceType, deviceType == DeviceType.CUDA ? deviceIndex : -1), null);

            private Module Move(Device? device, ScalarType? dtype)
            {
                if (dtype is { } type && !IsFloat(type))
                    throw new ArgumentException($"nn.Module.to only accepts floating point or complex types, but got desired dtype={type}");
                if (device?.type == DeviceType.CUDA && !cuda.is_available()) throw new InvalidOperationException("CUDA is not available.");

                foreach (var (_, child) in named_children())
                {
                    if (device is null) child._to(dtype!.Value, false);
                    else if (dtype is null) child._to(device.type, device.index, false);
                    else child._to(device, dtype.Value, false);
                }
                foreach (var key in _internal_params.keys().ToList())
                {
                    var old = _internal_params[key];
                    if (old.IsInvalid || Moved(old, device, dtype) is not { } data) continue;
                    Parameter moved;
                    using (no_grad())
                    {
                        moved = (Parameter)new Parameter(data, old.requires_grad).DetachFromDisposeScope();
                        using var grad = old.grad;
                        if (grad is not null)
                        {
                            using var movedGrad = Moved(grad, device, dtype) ?? grad.alias();
                            moved.grad = movedGrad;
                        }
                    }
                    _internal_params[key] = moved;
                    Assign(old, moved);
                    old.Dispose();
                }
                foreach (var key in _internal_buffers.keys().ToList())
                {
                    var (old, persistent) = _internal_buffers[key];
                    if (old.IsInvalid || Moved(old, device, dtype) is not { } moved) continue;
                    moved.DetachFromDisposeScope();
                    _internal_buffers[key] = (moved, persistent);
                    Assign(old, moved);
                    old.Dispose();
                }
                return this;
            }

            /// <summary>The tensor at its new place, or null where it is there already. Only floating tensors change their type.</summary>
            private static Tensor? Moved(Tensor tensor, Device? device, ScalarType? dtype)
            {
                using var _ = no_grad();
                var type = dtype is not null && IsFloat(tensor.dtype) ? dtype.Value : tensor.dtype;
                var stays = device is null || SamePlace(device, tensor);
                return stays && type == tensor.dtype ? null : tensor.to(type, stays ? tensor.device : device!);
            }

            private static bool SamePlace(Device device, Tensor tensor) =>
                device.type == tensor.device_type && (device.type != DeviceType.CUDA || device.index < 0 || device.index == tensor.device_index);

            private static bool IsFloat(ScalarType type) => type is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64
                or ScalarType.BFloat16 or ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;

            // Every field that held the old tensor holds the new one.
            private void Assign(Tensor old, Tensor moved)
            {
                foreach (var field in Fields())
                    if (typeof(Tensor).IsAssignableFrom(field.FieldType) && ReferenceEquals(field.GetValue(this), old)) field.SetValue(this, moved);
            }
        }
    }
}

/// <summary>Moving and converting modules: each returns the same object, its parameters and buffers moved.</summary>
public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(type, non_blocking);
    public static T to<T>(this T module, torch.Device device, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(device, type, non_blocking);
    public static T to<T>(this T module, DeviceType deviceType, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(deviceType, deviceIndex, non_blocking);
    public static T to<T>(this T module, torch.Device device, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(device.type, device.index, non_blocking);
    public static T to<T>(this T module, string device, bool non_blocking = false) where T : torch.nn.Module => module.to(new torch.Device(device), non_blocking);
    public static T to<T>(this T module, torch.Tensor other, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(other, non_blocking);
    public static T cpu<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(DeviceType.CPU, -1, non_blocking);
    public static T cuda<T>(this T module, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module => module.to(DeviceType.CUDA, deviceIndex, non_blocking);
    public static T half<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float16, non_blocking);
    public static T bfloat16<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.BFloat16, non_blocking);
    public static T @float<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float32, non_blocking);
    public static T @double<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float64, non_blocking);
}
