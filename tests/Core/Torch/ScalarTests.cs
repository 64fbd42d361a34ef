// A number that is passed as it is (x.add(y, 0.5)) becomes a Scalar: native memory, and garbage with a finalizer.
// TorchSharp does not keep it alive during the native call. Directory.Build.targets mends that; our own code does not
// rely on it.
using System.Buffers.Binary;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using RlLeap.Agents;
using RlLeap.MetaLearning;
using Xunit;

namespace RlLeap.Tests.Core.Torch;

public class ScalarTests
{
    /// <summary>
    /// Reads the compiled code of what runs at every training step. A Scalar made from a number has to be kept there in
    /// a local (`using Scalar half = 0.5;`) or a field.
    /// </summary>
    /// <remarks>
    /// Not covered: other classes; operators (x * 0.5), which make theirs inside TorchSharp; whether a local is
    /// disposed.
    /// </remarks>
    [Theory]
    [InlineData(typeof(Learner))]
    [InlineData(typeof(VectorOptimizer))]
    [InlineData(typeof(FusedOptimizers))]
    [InlineData(typeof(ActorCritic))]
    [InlineData(typeof(Policy))]
    [InlineData(typeof(PathKernels))]
    [InlineData(typeof(LeapModule))]
    [InlineData(typeof(HatNetwork))]
    [InlineData(typeof(Finetuning))]
    public void In_a_training_step_numbers_become_scalars_that_have_a_name(Type type)
    {
        var unnamed = Unnamed(type);
        Assert.True(unnamed.Count == 0, "Keep the Scalar in a local (`using Scalar half = 0.5;`) or a static field in "
            + string.Join(", ", unnamed));
    }

    [Fact]
    public void The_rule_finds_what_is_passed_on_at_once()
    {
        var found = Unnamed(typeof(ScalarTests));
        Assert.Contains(found, method => method == "Passed");
        Assert.DoesNotContain(found, method => method == "Named");
    }

    private static TorchSharp.torch.Tensor Passed(TorchSharp.torch.Tensor x) => x.add_(0.5);

    private static TorchSharp.torch.Tensor Named(TorchSharp.torch.Tensor x)
    {
        using TorchSharp.Scalar half = 0.5;
        return x.add_(half);
    }

    // The methods of a type, its nested types and lambdas that pass a converted Scalar on at once.
    private static List<string> Unnamed(Type type)
    {
        using var file = new PEReader(File.OpenRead(type.Assembly.Location));
        var metadata = file.GetMetadataReader();
        var conversions = metadata.MemberReferences.Where(IsConversion).Select(r => MetadataTokens.GetToken(r))
            .ToHashSet();
        var own = (TypeDefinitionHandle)MetadataTokens.Handle(type.MetadataToken);
        return [.. metadata.MethodDefinitions
            .Where(method => Belongs(metadata.GetMethodDefinition(method).GetDeclaringType())
            && Passes(method)).Select(method => metadata.GetString(metadata.GetMethodDefinition(method).Name))];

        bool Belongs(TypeDefinitionHandle inner) =>
            inner == own || !inner.IsNil && Belongs(metadata.GetTypeDefinition(inner).GetDeclaringType());

        bool IsConversion(MemberReferenceHandle handle)
        {
            var member = metadata.GetMemberReference(handle);
            return metadata.StringComparer.Equals(member.Name, "op_Implicit")
                && member.Parent.Kind == HandleKind.TypeReference
                && metadata.StringComparer.Equals(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name,
                    "Scalar");
        }

        bool Passes(MethodDefinitionHandle handle)
        {
            if (metadata.GetMethodDefinition(handle).RelativeVirtualAddress is not (not 0 and var address))
                return false;
            var code = file.GetMethodBody(address).GetILBytes().AsSpan();
            for (var i = 0; i + 5 < code.Length; i++)
                if (code[i] == Call && conversions.Contains(BinaryPrimitives.ReadInt32LittleEndian(code[(i + 1)..]))
                    && !Stores(code[i + 5], code[Math.Min(i + 6, code.Length - 1)])) return true;
            return false;
        }
    }

    private const byte Call = 0x28;

    // stloc.0 to stloc.3, stloc.s, stfld, stsfld, and stloc of many locals (fe 0e).
    private static bool Stores(byte code, byte next) =>
        code is >= 0x0a and <= 0x0d or 0x13 or 0x7d or 0x80 || (code, next) == (0xfe, 0x0e);
}
