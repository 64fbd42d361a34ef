using TorchSharp;

namespace RlLeap.Cli.Runs;

/// <summary>"cpu", "cuda", "cuda:1" as torch devices.</summary>
public static class Devices
{
    /// <exception cref="RlLeapException">This machine or this libtorch has no such device.</exception>
    public static torch.Device Open(string name)
    {
        if (name == "cpu") return torch.CPU;
        if (!torch.cuda.is_available())
            throw new RlLeapException(
                $"device {name}: this libtorch sees no CUDA device. Use cpu (train --device, meta-train "
                + "--set run.device=cpu), or build with CUDA: ./rlleap doctor tells what this build has, docs/torch.md "
                + "how.");
        var index = name.Contains(':')
            ? int.Parse(name[(name.IndexOf(':') + 1)..]) : 0;
        var count = torch.cuda.device_count();
        if (index >= count)
            throw new RlLeapException($"device {name}: there " + (count == 1
                ? "is one CUDA device, cuda:0." : $"are {count} CUDA devices, cuda:0 to cuda:{count - 1}."));
        return torch.device($"cuda:{index}");
    }
}
